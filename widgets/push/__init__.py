"""The push addresses: a small ASGI application in front of Django's handler."""
