"""SAML 2.0 as far as signing in needs it: metadata, the request, and what a response proves.

It needs the extra `saml` and knows nothing of the tables of this portal.
"""
