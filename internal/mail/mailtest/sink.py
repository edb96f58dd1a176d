"""A mail server that keeps what it gets: one JSON line for each message.

sink.py FOLDER [--user NAME --password WORD] [--cert FILE --key FILE] [--implicit] [--listen ADDRESS]
It prints the port on which it listens.
"""
import argparse
import asyncio
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

args = argparse.ArgumentParser()
args.add_argument("folder")
for name in ("user", "password", "cert", "key"):
    args.add_argument("--" + name)
args.add_argument("--listen", default="127.0.0.1")
args.add_argument("--implicit", action="store_true")
args = args.parse_args()


class Handler:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        with open(f"{args.folder}/{Handler.count}.json", "w", encoding="utf-8") as f:
            json.dump(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "content": envelope.content.decode("utf-8"),
                    "tls": session.ssl is not None or args.implicit,
                    "user": (session.auth_data or b"").decode("utf-8"),
                },
                f,
            )
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    right = data.login == args.user.encode() and data.password == args.password.encode()
    return AuthResult(success=right, handled=right, auth_data=data.login)


async def main():
    context = None
    if args.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(args.cert, args.key)
    options = {"hostname": "sink", "enable_SMTPUTF8": True}
    if args.user:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": bool(args.cert) and not args.implicit}
    if context and not args.implicit:
        options |= {"tls_context": context, "require_starttls": True}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), **options), args.listen, 0, ssl=context if args.implicit else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
