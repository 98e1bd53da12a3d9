"""A container registry on the loopback interface, in memory: serves one base image for arm64 and x64, and takes what is pushed.

    python3 tests/Templates/registry.py

Prints its port. GET /pushed gives, as JSON, the images that were pushed: tag, and of each platform the configuration and the layers'
files.
"""

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

blobs = {}  # bytes by digest
manifests = {}  # (media type, bytes) by (repository, tag or digest)
uploads = {}
pushed = []


def add(content):
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return digest


def describe(media_type, content, **more):
    return {"mediaType": media_type, "digest": add(content), "size": len(content), **more}


def make_base():
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    layer = describe(LAYER, gzip.compress(empty.getvalue(), mtime=0))
    platforms = []
    for architecture in ("amd64", "arm64"):
        configuration = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": ["PATH=/usr/bin"], "User": "0"},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(empty.getvalue()).hexdigest()]},
            "history": [{"created_by": "test"}],
        }
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIGURATION, json.dumps(configuration).encode()), "layers": [layer]}
        ).encode()
        entry = describe(MANIFEST, manifest, platform={"os": "linux", "architecture": architecture})
        manifests["base", entry["digest"]] = (MANIFEST, manifest)
        platforms.append(entry)
    manifests["base", "1"] = (INDEX, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": platforms}).encode())


def show(repository, tag):
    media_type, content = manifests[repository, tag]
    document = json.loads(content)
    if media_type == INDEX:
        return {entry["platform"]["architecture"]: show(repository, entry["digest"]) for entry in document["manifests"]}
    files = []
    for layer in document["layers"]:
        with tarfile.open(fileobj=io.BytesIO(blobs[layer["digest"]]), mode="r:*") as archive:
            files += [{"Name": member.name, "Mode": oct(member.mode), "User": member.uid} for member in archive if member.isfile()]
    return {"Configuration": json.loads(blobs[document["config"]["digest"]])["config"], "Files": files}


class Registry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def do_GET(self):
        if self.path == "/pushed":
            return self.answer(200, json.dumps([{"Tag": tag, "Image": show(*tag)} for tag in pushed]).encode())
        if self.path == "/v2/":
            return self.answer(200)
        if match := re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path):
            if found := manifests.get(match.groups()):
                digest = "sha256:" + hashlib.sha256(found[1]).hexdigest()
                return self.answer(200, found[1], Content_Type=found[0], Docker_Content_Digest=digest)
        elif match := re.fullmatch(r"/v2/.+/blobs/(.+)", self.path):
            if (found := blobs.get(match[1])) is not None:
                return self.answer(200, found, Content_Type="application/octet-stream", Docker_Content_Digest=match[1])
        self.answer(404)

    do_HEAD = do_GET

    def do_POST(self):
        name = str(len(uploads))
        uploads[name] = b""
        self.body()
        self.answer(202, Location=f"http://{self.headers['Host']}/v2/uploads/{name}", Range="0-0")

    def do_PATCH(self):
        name = self.path.split("/")[-1].split("?")[0]
        uploads[name] += self.body()
        self.answer(202, Location=f"http://{self.headers['Host']}/v2/uploads/{name}", Range=f"0-{max(len(uploads[name]) - 1, 0)}")

    def do_PUT(self):
        if match := re.fullmatch(r"/v2/(.+)/manifests/(.+)", self.path):
            content = self.body()
            digest = "sha256:" + hashlib.sha256(content).hexdigest()
            for reference in {match[2], digest}:
                manifests[match[1], reference] = (self.headers["Content-Type"], content)
            if not match[2].startswith("sha256:"):
                pushed.append(match.groups())
            return self.answer(201, Docker_Content_Digest=digest)
        name = self.path.split("/")[-1].split("?")[0]
        digest = add(uploads.pop(name) + self.body())
        self.answer(201, Docker_Content_Digest=digest)


if __name__ == "__main__":
    make_base()
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        print(server.server_port)
        sys.stdout.flush()
        server.serve_forever()
