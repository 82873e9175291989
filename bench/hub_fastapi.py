"""What bench/hub.py holds redoubt-hub against: the same three operations over a copy of the same SQLite database, with FastAPI.

It reads and writes the same tables, looks at the same things (API key, participant, signature) and gives the same JSON; hub.py compares the
answers. One process, one connection, no ORM, no response model: nothing that would slow it down. Written as somebody would who knows FastAPI.
"""
import base64
import hashlib
import json
import os
import sqlite3
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

app = FastAPI()
db = sqlite3.connect(os.environ["BENCH_DATABASE"], isolation_level=None, check_same_thread=False)
db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")

STATES = {"proposed": "voting", "queued": "approved", "refused": "failed"}


async def caller(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token.startswith("rdt_"):
        raise HTTPException(401)
    text = token[4:]
    digest = hashlib.sha256(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).digest()
    row = db.execute("SELECT subject, scopes, expires FROM api_keys WHERE sha256 = ? AND revoked IS NULL", (digest,)).fetchone()
    if row is None or (row[2] is not None and row[2] <= time.time()) or "participant" not in row[1].split(" "):
        raise HTTPException(401)
    return row[0]


async def environment(env: str, subject: str = Depends(caller)) -> tuple[str, str]:
    row = db.execute("SELECT id, contract_digest FROM environments WHERE id = ?", (env,)).fetchone()
    takes_part = db.execute("SELECT 1 FROM participants WHERE environment = ? AND name = ?", (env, subject)).fetchone()
    if row is None or takes_part is None:
        raise HTTPException(404)
    return row[0], row[1].hex()


def query_json(row: tuple) -> dict:
    number, query, proposal, state, detail = row
    ballots = db.execute("SELECT document FROM ballots WHERE query = ? ORDER BY voter", (query,)).fetchall()
    out = {"ballots": [json.loads(document) for (document,) in ballots], "proposal": json.loads(proposal), "query": query, "state": STATES.get(state, state)}
    if detail:
        out["reason"] = detail
    return out


COLUMNS = "SELECT number, id, proposal, state, detail FROM queries WHERE environment = ?"


@app.get("/api/tee/environments/{env}/queries")
async def list_queries(limit: int = 50, cursor: str = "", env: tuple[str, str] = Depends(environment)) -> JSONResponse:
    after = int.from_bytes(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:8], "big") if cursor else 0
    rows = db.execute(COLUMNS + " AND number > ? ORDER BY number LIMIT ?", (env[0], after, limit + 1)).fetchall()
    out = {"items": [query_json(row) for row in rows[:limit]]}
    if len(rows) > limit:
        place = rows[limit - 1][0].to_bytes(8, "big") + ("queries of " + env[0]).encode()
        out["next"] = base64.urlsafe_b64encode(place).decode().rstrip("=")
    return JSONResponse(out)


@app.get("/api/tee/environments/{env}/queries/{query}")
async def get_query(query: str, env: tuple[str, str] = Depends(environment)) -> JSONResponse:
    row = db.execute(COLUMNS + " AND id = ?", (env[0], query)).fetchone()
    if row is None:
        raise HTTPException(404)
    out = JSONResponse(query_json(row))
    out.headers["etag"] = '"' + hashlib.sha256(out.body).hexdigest()[:32] + '"'
    return out


@app.post("/api/tee/environments/{env}/datasets")
async def announce(request: Request, env: tuple[str, str] = Depends(environment), subject: str = Depends(caller)) -> JSONResponse:
    document = (await request.json())["manifest"]
    manifest = json.loads(document["text"])
    if manifest["contract"] != env[1]:
        raise HTTPException(422)
    key = db.execute("SELECT signing_key FROM participants WHERE environment = ? AND name = ?", (env[0], manifest["owner"])).fetchone()
    if key is None:
        raise HTTPException(403)
    fields = [b"redoubt/manifest/1", document["text"].encode()]
    signed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    try:
        Ed25519PublicKey.from_public_bytes(key[0]).verify(bytes.fromhex(document["signature"]), signed)
    except InvalidSignature:
        raise HTTPException(403)
    digest, now = hashlib.sha256(signed).hexdigest(), int(time.time())
    db.execute("BEGIN IMMEDIATE")
    try:
        last = db.execute("SELECT coalesce(max(version), 0) FROM datasets WHERE environment = ? AND id = ?", (env[0], manifest["dataset"])).fetchone()[0]
        if int(manifest["version"]) <= last:
            raise HTTPException(409)
        db.execute("INSERT INTO datasets (environment, id, version, owner, manifest, object, size, state, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   (env[0], manifest["dataset"], int(manifest["version"]), manifest["owner"], json.dumps(document), digest, int(manifest["ciphertext_size"]), "uploading", now))
        db.execute("INSERT INTO events (environment, kind, object, state) VALUES (?, 'dataset', ?, 'uploading')", (env[0], digest))
        db.execute("INSERT INTO audit_events (at, actor, action, object, detail) VALUES (?, ?, 'dataset.create', ?, '')", (now, subject, digest))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return JSONResponse({"dataset": digest, "received": 0}, status_code=201)
