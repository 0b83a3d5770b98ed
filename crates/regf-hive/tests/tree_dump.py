"""Prints all that a hive holds, one line an item, as python-registry reads it."""

import hashlib
import sys

from Registry import Registry


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def dump(key, path):
    record = key._nkrecord
    sk = record.sk_record()
    start = sk.offset() + 20
    security = digest(sk._buf[start : start + sk.unpack_dword(16)])
    classname = record.classname() if record.has_classname() else None
    print(path, key.timestamp(), record.unpack_word(2), repr(classname), security)
    for value in sorted(key.values(), key=lambda value: value.name()):
        print(path, "=", value.name(), value.value_type(), digest(value.raw_data()))
    for subkey in sorted(key.subkeys(), key=lambda subkey: subkey.name().upper()):
        dump(subkey, path + "\\" + subkey.name())


sys.setrecursionlimit(10_000)
dump(Registry.Registry(sys.argv[1]).root(), "")
