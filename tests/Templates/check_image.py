"""Publishes the gateway's image to a registry on the loopback interface, on a made-up base, and checks what fleets rely on.

    python3 tests/Templates/check_image.py

The real base comes from a public registry, which this does without.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    registry = subprocess.Popen([sys.executable, str(ROOT / "tests/Templates/registry.py")], stdout=subprocess.PIPE, text=True)
    try:
        host = f"localhost:{int(registry.stdout.readline())}"
        command = ["dotnet", "publish", str(ROOT / "src/Gateway"), "-c", "Release", "-t:PublishContainer", "-v:quiet"]
        command += [f"-p:ContainerBaseImage={host}/base:1", f"-p:ContainerRegistry={host}", "-p:ContainerImageTag=checked"]
        subprocess.run(command, check=True, env={**os.environ, "DOTNET_CONTAINER_INSECURE_REGISTRIES": host})
        with urllib.request.urlopen(f"http://{host}/pushed") as answer:
            pushed = {entry["Tag"][1]: entry["Image"] for entry in json.load(answer) if entry["Tag"][0] == "udp-gateway"}
    finally:
        registry.kill()
        registry.wait()

    image = pushed["checked"]
    assert sorted(image) == ["amd64", "arm64"], f"the platforms are {sorted(image)}"
    for architecture, platform in image.items():
        configuration, files = platform["Configuration"], {file["Name"].removeprefix("./"): file for file in platform["Files"]}
        assert configuration["User"] == "1654", f"{architecture}: the user is {configuration['User']}, which may be root"
        assert configuration["Entrypoint"] == ["/app/UdpGateway.Gateway"], f"{architecture}: the entry point is {configuration['Entrypoint']}"
        assert list(configuration["ExposedPorts"]) == ["9101/tcp"], f"{architecture}: the ports are {configuration['ExposedPorts']}"
        program = files["app/UdpGateway.Gateway"]
        assert int(program["Mode"], 8) & 0o111, f"{architecture}: the program cannot be executed"
        assert "app/UdpGateway.Gateway.dll" in files
    print(f"The image has {', '.join(sorted(image))}, runs {configuration['Entrypoint'][0]} as user {configuration['User']}.")


if __name__ == "__main__":
    main()
