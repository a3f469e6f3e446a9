"""A real HTTP server for sources to ask, in a thread of its own; and certificates for it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def _looping() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await _turns()


async def _accept_no_more(listening: socket.socket) -> None:
    # asyncio loses a connection that it has accepted but not yet taken when its server closes.
    asyncio.get_running_loop().remove_reader(listening.fileno())
    await _turns()


async def _turns() -> None:
    """A few turns of the loop, for what takes more than one."""
    for _ in range(5):
        await asyncio.sleep(0)


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve every path with the handler; gives the address, without a slash at its end."""

    async def start(listening: socket.socket) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=tls).start()
        return runner

    async def stop(runner: web.AppRunner, listening: socket.socket) -> None:
        await _accept_no_more(listening)
        await runner.cleanup()

    with socket.create_server(("127.0.0.1", 0)) as listening, _looping() as loop:
        runner = asyncio.run_coroutine_threadsafe(start(listening), loop).result(10)
        scheme = "https" if tls else "http"
        try:
            yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            asyncio.run_coroutine_threadsafe(stop(runner, listening), loop).result(10)


@contextmanager
def speaking(raw: Raw) -> Iterator[str]:
    """Serve bare TCP, for what no HTTP server would say."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await raw(reader, writer)
        except asyncio.CancelledError:
            pass  # The test is over.
        finally:
            writer.transport.abort()

    async def stop(server: asyncio.Server, listening: socket.socket) -> None:
        await _accept_no_more(listening)
        server.close()

    with socket.create_server(("127.0.0.1", 0)) as listening, _looping() as loop:
        start = asyncio.start_server(serve, sock=listening)
        server = asyncio.run_coroutine_threadsafe(start, loop).result(10)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            asyncio.run_coroutine_threadsafe(stop(server, listening), loop).result(10)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of one's own: its PEM file, and a server's context made by it."""

    pem: Path
    server: ssl.SSLContext


def authority(folder: Path, days: int = 30) -> Authority:
    """An authority, and a certificate for 127.0.0.1 that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority for a test")])
    ca = _certificate(name, name, key, key, 400).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    leaf = _certificate(subject, name, own, key, days).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
    )
    pem, chain = folder / "ca.pem", folder / "server.pem"
    pem.write_bytes(ca.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + leaf.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Authority(pem, context)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    days: int,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
