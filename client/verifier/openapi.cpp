#include "client/verifier/openapi.h"

namespace redoubt::rest {

const std::string_view kOpenApi = R"json({
  "openapi": "3.1.0",
  "info": {
    "title": "redoubt-verifier",
    "version": "1",
    "summary": "Appraises Evidence of confidential computing platforms",
    "description": "A Verifier in the sense of RFC 9334. POST Evidence to /v1/appraise; the answer is an Attestation Result (EAR, draft-ietf-rats-ear), signed with the key at /v1/key. Status 200 means that there is a verdict, not that the Evidence is trusted: read ear.status. Refusals are RFC 9457 problems with a member `next`, the next step."
  },
  "paths": {
    "/health": {
      "get": {
        "operationId": "health",
        "summary": "Whether the service answers",
        "responses": {
          "200": {"description": "It does", "content": {"application/json": {"schema": {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}}}}
        }
      }
    },
    "/version": {
      "get": {
        "operationId": "version",
        "summary": "Name and version of the service",
        "responses": {
          "200": {"description": "Name, version and version of this interface", "content": {"application/json": {"schema": {"type": "object", "required": ["api", "name", "version"], "properties": {"api": {"const": "v1"}, "name": {"const": "redoubt-verifier"}, "version": {"type": "string"}}}}}}
        }
      }
    },
    "/openapi.json": {
      "get": {
        "operationId": "openapi",
        "summary": "This document",
        "responses": {
          "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}
        }
      }
    },
    "/v1/key": {
      "get": {
        "operationId": "key",
        "summary": "The public key that signs results",
        "responses": {
          "200": {"description": "An Ed25519 key (RFC 8037); kid is its thumbprint (RFC 7638). Fetch it over a channel that you trust, once", "content": {"application/jwk+json": {"schema": {"type": "object", "required": ["alg", "crv", "kid", "kty", "use", "x"], "properties": {"alg": {"const": "EdDSA"}, "crv": {"const": "Ed25519"}, "kid": {"type": "string"}, "kty": {"const": "OKP"}, "use": {"const": "sig"}, "x": {"type": "string"}}}}}}
        }
      }
    },
    "/v1/policy": {
      "get": {
        "operationId": "listPolicies",
        "summary": "The policies that a request may name",
        "responses": {
          "200": {"description": "Names and ids, and which one counts when none is named", "content": {"application/json": {"schema": {"type": "object", "required": ["default", "policies"], "properties": {"default": {"type": "string"}, "policies": {"type": "array", "items": {"type": "object", "required": ["id", "name"], "properties": {"id": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "name": {"type": "string"}}}}}}}}}
        }
      }
    },
    "/v1/policy/{name}": {
      "get": {
        "operationId": "showPolicy",
        "summary": "One policy in its canonical form",
        "parameters": [{"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}],
        "responses": {
          "200": {"description": "The policy; its id is the digest of these bytes", "content": {"application/json": {"schema": {"type": "object"}}}},
          "404": {"$ref": "#/components/responses/Problem"}
        }
      }
    },
    "/v1/appraise": {
      "post": {
        "operationId": "appraise",
        "summary": "Evidence in, Attestation Result out",
        "parameters": [
          {"name": "nonce", "in": "query", "description": "With a binary body: what the Evidence must have been made for. Without a nonce the result is never better than a warning", "schema": {"$ref": "#/components/schemas/Nonce"}},
          {"name": "format", "in": "query", "description": "With a binary body: what the Evidence must be; without it the bytes tell", "schema": {"$ref": "#/components/schemas/Format"}},
          {"name": "policy", "in": "query", "description": "With a binary body: a name from /v1/policy", "schema": {"type": "string"}}
        ],
        "requestBody": {
          "required": true,
          "description": "At most 16 MiB",
          "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/Request"}}
          }
        },
        "responses": {
          "200": {
            "description": "A verdict; without an Accept header a signed one",
            "content": {
              "application/eat+jwt": {"schema": {"type": "string", "description": "JWS, compact, EdDSA, typ eat+jwt; its payload is the JSON form"}},
              "application/json": {"schema": {"$ref": "#/components/schemas/Result"}}
            }
          },
          "400": {"$ref": "#/components/responses/Problem"},
          "406": {"$ref": "#/components/responses/Problem"},
          "408": {"$ref": "#/components/responses/Problem"},
          "413": {"$ref": "#/components/responses/Problem"},
          "415": {"$ref": "#/components/responses/Problem"},
          "422": {"$ref": "#/components/responses/Problem"},
          "503": {"$ref": "#/components/responses/Problem"}
        }
      }
    }
  },
  "components": {
    "responses": {
      "Problem": {"description": "Why not, and what to do next (RFC 9457)", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    },
    "schemas": {
      "Nonce": {"type": "string", "pattern": "^([0-9a-f]{2}){8,64}$"},
      "Format": {"type": "string", "examples": ["tdx", "sgx", "snp", "nitro", "token", "tpm", "azure-snp", "azure-tdx"]},
      "Request": {
        "type": "object",
        "required": ["evidence"],
        "additionalProperties": false,
        "properties": {
          "evidence": {"type": "string", "contentEncoding": "base64"},
          "format": {"$ref": "#/components/schemas/Format"},
          "nonce": {"$ref": "#/components/schemas/Nonce"},
          "policy": {"type": "string"},
          "endorsements": {
            "type": "array",
            "maxItems": 64,
            "items": {
              "type": "object",
              "required": ["name", "data"],
              "additionalProperties": false,
              "properties": {
                "name": {"type": "string", "description": "For error texts; what a file is, is told by its content"},
                "data": {"type": "string", "contentEncoding": "base64"}
              }
            }
          }
        }
      },
      "Result": {
        "type": "object",
        "required": ["ear.verifier-id", "eat_profile", "iat", "submods"],
        "properties": {
          "ear.verifier-id": {"type": "object"},
          "eat_nonce": {"type": "string", "description": "The request's nonce, base64url"},
          "eat_profile": {"type": "string"},
          "iat": {"type": "integer"},
          "submods": {"type": "object", "additionalProperties": {"type": "object", "required": ["ear.status"], "properties": {"ear.status": {"enum": ["affirming", "warning", "contraindicated"]}}}}
        }
      },
      "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
          "type": {"type": "string"},
          "title": {"type": "string"},
          "status": {"type": "integer"},
          "code": {"type": "string"},
          "detail": {"type": "string"},
          "next": {"type": "string"}
        }
      }
    }
  }
})json";

}  // namespace redoubt::rest
