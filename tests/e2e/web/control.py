"""A client of the control protocol over WebSocket on TLS, with the standard library alone."""
import base64, json, os, socket, ssl, struct, sys

authority, port, token = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def connect(*headers):
    tls = ssl.create_default_context(cafile=authority)
    stream = tls.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30), server_hostname="127.0.0.1")
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET / HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key, *headers, "", ""]
    stream.sendall("\r\n".join(lines).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        if not byte:
            break
        head += byte
    return stream, head.split(b" ")[1].decode()


def say(stream, message):
    payload = json.dumps(message).encode()
    head = bytes([0x81, 0x80 | len(payload)]) if len(payload) < 126 else b"\x81\xfe" + struct.pack("!H", len(payload))
    mask = os.urandom(4)
    stream.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))


def exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def hears(stream):
    while True:
        first, length = exactly(stream, 2)
        if length == 126:
            length, = struct.unpack("!H", exactly(stream, 2))
        payload = exactly(stream, length)
        if first & 15 == 1:
            return payload.decode()


print(json.dumps(connect("Authorization: Bearer wrong")[1]))
stream, status = connect()
assert status == "101", status
say(stream, {"id": 1, "command": "status"})
print(hears(stream))
say(stream, {"id": 2, "command": "hello", "token": "wrong"})
print(hears(stream))
say(stream, {"id": 3, "command": "hello", "client": "watcher", "versions": [1], "token": token})
print(hears(stream))
say(stream, {"id": 4, "command": "drain"})
print(hears(stream))
say(stream, {"id": 5, "command": "follow", "from": 1})
print(hears(stream))
print(hears(stream))
