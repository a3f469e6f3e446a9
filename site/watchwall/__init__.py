"""How a process is put together: settings, addresses, the ASGI application, the queue."""

__version__ = "0.1.0"
