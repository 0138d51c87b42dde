"""Makes keys of all kinds: the private ones and a keys.toml for the exchange, in the folder that is
its argument."""

import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

folder = Path(sys.argv[1])
permissions = 'permissions = ["USER_DATA", "TRADE", "USER_STREAM"]\n'
told = f'[[key]]\napi_key = "local"\nsecret = "local"\n{permissions}'
for kind, key in (("rsa", rsa.generate_private_key(65_537, 2048)), ("ed25519", ed25519.Ed25519PrivateKey.generate())):
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{kind}.pem").write_bytes(private)
    (folder / f"{kind}-public.pem").write_bytes(public)
    told += f'\n[[key]]\napi_key = "of{kind}"\npublic_key_file = "{kind}-public.pem"\n{permissions}'
(folder / "keys.toml").write_text(told)
