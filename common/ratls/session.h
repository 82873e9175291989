// The attested session: what both ends do after the TLS 1.3 handshake and before any application byte
// (docs/specs/session.md). Sans-I/O: callers carry the messages of common/wire/session.h.
//
// The Relying Party sends a challenge; the Attester answers with Session Evidence over the transcript (role, both
// challenges, the TLS exporter of this very connection, both key digests, the claims digest); the Relying Party appraises it
// against a contract that it holds itself, and only then signs with its contract key. The Attester serves nothing before
// that signature. A relay, a replay, a reflection, another role or a connection without an exporter fails on one of these;
// the host and every peer may lie. Any error ends the session for good. One thread at a time per session.
#pragma once

#include <functional>

#include "common/attest/appraise/appraisal.h"
#include "common/attest/evidence/binding.h"
#include "common/ratls/admission.h"

namespace redoubt::ratls {

// Channel: what the TLS connection says of itself.
struct Channel {
  std::optional<attest::TlsExporter> exporter;  // of this connection; a session without one is refused
  std::optional<SpkiDigest> own_key;            // SubjectPublicKeyInfo digest of the certificate this end showed
  std::optional<SpkiDigest> peer_key;           // ... of the one the other end showed
  bool resumed = false;                         // resumption skips the key exchange: refused
};

struct Step {
  Bytes send;         // the next message for the other end, or empty
  bool done = false;  // application bytes may follow (after `send` was sent)
};

using Now = std::function<Instant()>;

// Judges Evidence; appraise::Appraiser in production.
using Appraise =
    std::function<Result<appraise::Appraisal>(const appraise::Evidence&, const appraise::Challenge&, Instant now)>;

// Asks the platform for Evidence whose report data is H(statement); it may take milliseconds and must be thread-safe.
class EvidenceSource {
 public:
  virtual ~EvidenceSource() = default;
  virtual Result<appraise::Evidence> collect(ByteView statement) = 0;
};

// Names a participant by its contract key; `auth` when the contract does not list the key.
using Roster = std::function<Result<std::string>(const crypto::Ed25519PublicKey&)>;

class AttesterSession {
 public:
  // Shared by all sessions of an instance; must outlive them.
  struct Instance {
    attest::Claims claims;
    EvidenceSource& evidence;
    ChallengeTable& challenges;
    QuoteGate& quotes;
    Roster roster;
    Now now;
  };

  // `peer` is the address that limits are counted by.
  AttesterSession(Instance& instance, std::string peer);
  AttesterSession(const AttesterSession&) = delete;
  ~AttesterSession();

  // begin: `binding` when the channel has no exporter, was resumed, or its key is not the one in the claims.
  Status begin(const Channel& channel);
  // receive: takes hello, then proof. Errors: `malformed`, `unavailable` (limits), `freshness`, `chain`, `auth`.
  Result<Step> receive(ByteView message);
  // participant: the authenticated name, empty before the session is done.
  const std::string& participant() const { return participant_; }

 private:
  enum class State { created, expects_hello, expects_proof, done, failed };
  Result<Step> hello(ByteView message);
  Result<Step> proof(ByteView message);

  Instance& instance_;
  const std::string peer_;
  State state_ = State::created;
  attest::Transcript transcript_;
  std::string participant_;
};

class RelyingPartySession {
 public:
  // Must outlive the session.
  struct Context {
    Appraise appraise;
    ContractDigest contract;                 // the one the participant holds itself
    const crypto::Ed25519PrivateKey& key;    // its contract key
    crypto::Random& random;
    Now now;
  };

  explicit RelyingPartySession(const Context& context) : context_(context) {}

  // begin: the hello to send; `binding` as for the Attester, or when the peer showed no key.
  Result<Bytes> begin(const Channel& channel);
  // receive: takes evidence, then accepted. Evidence that is appraised and not accepted is `policy`, or the code of the
  // first failed check; nothing was signed then.
  Result<Step> receive(ByteView message);

  // The appraisal and claims of the peer; present once evidence was appraised, accepted or not.
  const std::optional<appraise::Appraisal>& appraisal() const { return appraisal_; }

 private:
  enum class State { created, expects_evidence, expects_accepted, done, failed };
  Result<Step> evidence(ByteView message);
  Result<Step> accepted(ByteView message);

  Context context_;
  State state_ = State::created;
  Channel channel_;
  attest::Transcript transcript_;
  std::optional<appraise::Appraisal> appraisal_;
};

}  // namespace redoubt::ratls
