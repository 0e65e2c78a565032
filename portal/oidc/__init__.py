"""Sign-in through OpenID and SAML providers that administrators set up, and what they give."""
