// Goal: a checkpoint is accepted only as the exact three lines signed by the log's key, and a fork is proved by two of them
// and by nothing less. Method: the published note and head, then each byte flipped, each line changed, and junk.
#include "common/receipt/checkpoint.h"

#include <gtest/gtest.h>

#include "common/receipt/note.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

namespace redoubt::receipt {
namespace {

crypto::Ed25519PrivateKey key_of(std::uint8_t fill) {
  return OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(Bytes(32, std::byte{fill}))));
}

TreeHead head_of(std::uint64_t size, std::string_view leaf) {
  return {log_origin(InstanceId()), size, leaf_hash(as_bytes(leaf))};
}

TEST(Note, VerifiesThePublishedNoteAndRefusesEveryFlippedBit) {
  const std::string text = test::read_text(test::golden("signed-note") / "note.txt");
  std::string verifier = test::read_text(test::golden("signed-note") / "verifier_key.txt");
  verifier.pop_back();
  const std::string name = verifier.substr(0, verifier.find('+'));
  const Bytes typed_key = OrDie(base64_decode(verifier.substr(verifier.rfind('+') + 1)));
  ASSERT_EQ(typed_key.size(), 33U);
  ASSERT_EQ(typed_key[0], std::byte{1});
  const auto key = OrDie(crypto::Ed25519PublicKey::from(ByteView(typed_key).subspan(1), "key"));
  EXPECT_EQ(note_key_id(name, key).hex(), verifier.substr(name.size() + 1, 8));
  const UnverifiedNote note = OrDie(UnverifiedNote::parse(text));
  EXPECT_OK(verify_note(note, name, key));
  EXPECT_ERROR(verify_note(note, "PeterNeuman", key), Code::chain, "no signature by key");
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string bad = text;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ static_cast<char>(1U << bit % 8));
    const auto parsed = UnverifiedNote::parse(bad);
    EXPECT_FALSE(parsed.ok() && verify_note(*parsed, name, key).ok()) << "bit " << bit;
  }
}

TEST(Note, SignsThePublishedNoteByteForByte) {
  // The published private key ("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEK...") is a test key of that documentation.
  const Bytes typed_seed = OrDie(base64_decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"));
  const auto key = OrDie(crypto::Ed25519PrivateKey::from_seed(SecretBytes::copy_of(ByteView(typed_seed).subspan(1))));
  const std::string text = test::read_text(test::golden("signed-note") / "note.txt");
  EXPECT_EQ(OrDie(sign_note(OrDie(UnverifiedNote::parse(text)).text, "PeterNeumann", key)), text);
}

TEST(Note, CarriesOtherSignaturesAndRefusesASecondOneByTheSameKey) {
  const auto ours = key_of(1);
  const auto witness = key_of(2);
  const std::string signed_note = OrDie(sign_note("text\n", "log", ours));
  const std::string witness_note = OrDie(sign_note("text\n", "witness", witness));
  const std::string witness_line = witness_note.substr(witness_note.find("\n\n") + 2);
  EXPECT_OK(verify_note(OrDie(UnverifiedNote::parse(signed_note + witness_line)), "log", ours.public_key()));
  EXPECT_OK(verify_note(OrDie(UnverifiedNote::parse(signed_note + witness_line)), "witness", witness.public_key()));
  const std::string own_line = signed_note.substr(signed_note.find("\n\n") + 2);
  EXPECT_ERROR(verify_note(OrDie(UnverifiedNote::parse(signed_note + own_line)), "log", ours.public_key()), Code::chain,
               "more than one signature");
  std::string many = signed_note;
  for (std::size_t i = 1; i < kMaxNoteSignatures; ++i) many += witness_line;
  EXPECT_OK(UnverifiedNote::parse(many));
  EXPECT_ERROR(UnverifiedNote::parse(many + witness_line), Code::malformed, "limit of 16");
}

TEST(Note, RefusesWhatIsNotANote) {
  const std::string line = "\xe2\x80\x94 name AAAAAAAA\n";
  EXPECT_OK(UnverifiedNote::parse("text\n\n" + line));
  EXPECT_OK(UnverifiedNote::parse("text\n\nmore\n\n" + line));
  EXPECT_OK(UnverifiedNote::parse("text\n\n\xe2\x80\x94 n\xc3\xa4me AAAAAAAA\n"));
  const std::pair<std::string, const char*> table[] = {
      {"", "no empty line"},
      {"text\n" + line, "no empty line"},
      {"text\n\n", "no signatures"},
      {"text\n\n" + line.substr(0, line.size() - 1), "newline"},
      {"text\n\n" + line + "\n", "no signatures"},  // the last empty line separates
      {"text\n\n- name AAAAAAAA\n", "em dash"},
      {"text\n\n\xe2\x80\x94 name\n", "expected a key name"},
      {"text\n\n\xe2\x80\x94  AAAAAAAA\n", "key name"},
      {"text\n\n\xe2\x80\x94 na+me AAAAAAAA\n", "key name"},
      {"text\n\n\xe2\x80\x94 na\xc2\xa0me AAAAAAAA\n", "key name"},
      {"text\n\n\xe2\x80\x94 na\xe3\x80\x80me AAAAAAAA\n", "key name"},
      {"text\n\n\xe2\x80\x94 name AAAA AAAA\n", "base64"},
      {"text\n\n\xe2\x80\x94 name AAAAAA==\n", "signature of 4 bytes"},
      {"text\n\n\xe2\x80\x94 name AAAAAAB=\n", "base64"},
      {"te\txt\n\n" + line, "control"},
      {"te\rxt\n\n" + line, "control"},
      {"te\xffxt\n\n" + line, "UTF-8"},
      {std::string(kMaxNoteSize, 'x') + "\n\n" + line, "at most"},
  };
  for (const auto& [text, message] : table) EXPECT_ERROR(UnverifiedNote::parse(text), Code::malformed, message);
  EXPECT_ERROR(sign_note("text", "name", key_of(1)), Code::usage, "newline");
  EXPECT_ERROR(sign_note("text\n\n", "name", key_of(1)), Code::usage, "one newline");
  EXPECT_ERROR(sign_note("text\n", "a b", key_of(1)), Code::usage, "key name");
}

TEST(TreeHead, ReadsAndWritesThePublishedHead) {
  const std::string text = test::read_text(test::golden("signed-note") / "head.txt");
  const TreeHead head = OrDie(TreeHead::parse(text));
  EXPECT_EQ(head.origin, "go.sum database tree");
  EXPECT_EQ(head.size, 123456789012U);
  EXPECT_EQ(head.root, leaf_hash(as_bytes("hello world")));
  EXPECT_EQ(head.text(), text);
}

TEST(TreeHead, RefusesEverySpellingButOne) {
  const std::string root = base64_encode(leaf_hash({}).view());
  EXPECT_OK(TreeHead::parse("o\n1\n" + root + "\n"));
  EXPECT_OK(TreeHead::parse("o\n0\n" + base64_encode(empty_root().view()) + "\n"));
  EXPECT_OK(TreeHead::parse("o\n18446744073709551615\n" + root + "\n"));
  const std::pair<std::string, const char*> table[] = {
      {"", "origin"},
      {"o\n", "size"},
      {"o\n1\n", "root"},
      {"o\n1\n" + root, "root"},
      {"\n1\n" + root + "\n", "empty origin"},
      {"o\n01\n" + root + "\n", "decimal"},
      {"o\n+1\n" + root + "\n", "decimal"},
      {"o\n-1\n" + root + "\n", "decimal"},
      {"o\n 1\n" + root + "\n", "decimal"},
      {"o\n\n" + root + "\n", "decimal"},
      {"o\n0x1\n" + root + "\n", "decimal"},
      {"o\n18446744073709551616\n" + root + "\n", "decimal"},
      {"o\n1\n" + root + " \n", "root"},
      {"o\n1\n" + root.substr(0, 40) + "\n", "root"},
      {"o\n1\n" + root + "\next\n", "extension"},
      {"o\n1\n" + root + "\n\n", "extension"},
  };
  for (const auto& [text, message] : table) EXPECT_ERROR(TreeHead::parse(text), Code::malformed, message);
  EXPECT_ERROR(TreeHead::parse("o\n0\n" + root + "\n"), Code::log_proof, "size 0");
}

TEST(Checkpoint, VerifiesWhatItSignedAndRefusesEveryFlippedBit) {
  const auto key = key_of(7);
  const TreeHead head = head_of(5, "a");
  const Checkpoint checkpoint = OrDie(Checkpoint::sign(head, key));
  const Checkpoint again = OrDie(Checkpoint::verify(checkpoint.note(), head.origin, key.public_key()));
  EXPECT_EQ(again.head(), head);
  EXPECT_EQ(again.note(), checkpoint.note());
  for (std::size_t bit = 0; bit < checkpoint.note().size() * 8; ++bit) {
    std::string bad = checkpoint.note();
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ static_cast<char>(1U << bit % 8));
    EXPECT_FALSE(Checkpoint::verify(bad, head.origin, key.public_key()).ok()) << "bit " << bit;
  }
}

TEST(Checkpoint, RefusesAnotherKeyAnotherOriginAndExtensionLines) {
  const auto key = key_of(7);
  const TreeHead head = head_of(5, "a");
  const std::string note = OrDie(Checkpoint::sign(head, key)).note();
  EXPECT_ERROR(Checkpoint::verify(note, head.origin, key_of(8).public_key()), Code::chain, "no signature by key");
  EXPECT_ERROR(Checkpoint::verify(note, "redoubt/other", key.public_key()), Code::chain, "no signature by key");
  // A note that the key signed under our origin, about another log: only possible by a bug or a lie of the signer.
  TreeHead other = head;
  other.origin = "redoubt/other";
  const std::string crossed = OrDie(sign_note(other.text(), head.origin, key));
  EXPECT_ERROR(Checkpoint::verify(crossed, head.origin, key.public_key()), Code::log_proof, "expected origin");
  const std::string extended = OrDie(sign_note(head.text() + "extension\n", head.origin, key));
  EXPECT_ERROR(Checkpoint::verify(extended, head.origin, key.public_key()), Code::malformed, "extension");
  TreeHead spaced = head;
  spaced.origin = "a b";
  EXPECT_ERROR(Checkpoint::sign(spaced, key), Code::usage, "key name");
}

TEST(Checkpoint, TellsAContinuedLogFromAnotherOne) {
  MerkleTree tree;
  for (const char* leaf : {"a", "b", "c"}) tree.append(leaf_hash(as_bytes(leaf)));
  const TreeHead older{"o", 2, OrDie(tree.root_at(2))};
  const TreeHead newer{"o", 3, tree.root()};
  const Proof proof = OrDie(tree.consistency(2, 3));
  EXPECT_OK(extends(older, newer, proof));
  EXPECT_OK(extends(newer, newer, {}));
  EXPECT_ERROR(extends(newer, older, proof), Code::log_proof, "above new size");
  EXPECT_ERROR(extends({"other", older.size, older.root}, newer, proof), Code::log_proof, "two logs");
  EXPECT_ERROR(extends({"o", 2, newer.root}, newer, proof), Code::log_proof, "root");
}

TEST(ForkProof, HoldsForTwoRootsOfOneSizeAndForNothingElse) {
  const auto key = key_of(7);
  const Checkpoint a = OrDie(Checkpoint::sign(head_of(5, "a"), key));
  const Checkpoint b = OrDie(Checkpoint::sign(head_of(5, "b"), key));
  const std::string json = OrDie(ForkProof::of(a, b)).json();
  const ForkProof proof = OrDie(ForkProof::verify(json, key.public_key()));
  EXPECT_NE(proof.first().head().root, proof.second().head().root);
  EXPECT_EQ(proof.json(), json);
  EXPECT_ERROR(ForkProof::verify(json, key_of(8).public_key()), Code::chain, "no signature");
  EXPECT_ERROR(ForkProof::of(a, a), Code::log_proof, "one root");
  EXPECT_ERROR(ForkProof::of(a, OrDie(Checkpoint::sign(head_of(6, "b"), key))), Code::log_proof, "two sizes");
  EXPECT_ERROR(ForkProof::of(a, OrDie(Checkpoint::sign({"redoubt/x", 5, leaf_hash({})}, key))), Code::log_proof, "two logs");
  EXPECT_ERROR(ForkProof::of(a, OrDie(Checkpoint::sign(head_of(5, "b"), key_of(8)))), Code::log_proof, "two keys");
  for (std::size_t i = 0; i < json.size(); ++i) {
    std::string bad = json;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(ForkProof::verify(bad, key.public_key()).ok()) << "byte " << i;
  }
  EXPECT_ERROR(ForkProof::verify("{}", key.public_key()), Code::malformed, "absent");
  EXPECT_ERROR(ForkProof::verify(json + " ", key.public_key()), Code::malformed, "fork proof");
}

}  // namespace
}  // namespace redoubt::receipt
