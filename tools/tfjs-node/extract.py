"""Copies members of a zip file out of it, a piece at a time (one is 1.1 GB).

usage: extract.py list WHEEL             prints the names of the members as JSON
       extract.py copy WHEEL < pairs     pairs: JSON [[member, file], ...]
"""

import json
import os
import shutil
import sys
import zipfile

job, wheel = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    if job == "list":
        print(json.dumps(archive.namelist()))
    else:
        for member, file in json.load(sys.stdin):
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with archive.open(member) as source, open(file + ".part", "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            if archive.getinfo(member).external_attr >> 16 & 0o100:
                os.chmod(file + ".part", 0o755)
            os.replace(file + ".part", file)
