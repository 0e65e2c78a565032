"""Sign-in through OpenID providers that administrators set up, and what their claims give."""
