// IMA measurement lists for tests: entries of every template, in the binary form and as the kernel prints them.
#pragma once

#include "common/attest/evidence/ima/ima_list.h"
#include "common/base/writer.h"

namespace redoubt::test {

// ImaFields: what one entry says; the writer hashes it as the kernel would.
struct ImaFields {
  std::string kind = "ima-ng";
  std::string digest_head = "sha256:";  // "ima:sha256:" in templates v2
  Bytes digest = Bytes(32, std::byte{7});
  std::string path = "/usr/bin/true";
  std::vector<Bytes> more;       // signature or buffer; three of them for ima-modsig
  bool violation = false;
};

inline Bytes ima_template_data(const ImaFields& fields) {
  Writer writer;
  const auto field = [&](ByteView bytes) { writer.u32le(static_cast<std::uint32_t>(bytes.size())).bytes(bytes); };
  if (fields.kind == "ima") {
    Bytes name = to_bytes(fields.path);
    name.resize(256);
    return writer.bytes(fields.digest).bytes(name).take();
  }
  Bytes digest = to_bytes(fields.digest_head + std::string(1, '\0'));
  append(digest, fields.digest);
  field(digest);
  field(to_bytes(fields.path + std::string(1, '\0')));
  for (const Bytes& bytes : fields.more) field(bytes);
  return writer.take();
}

inline Bytes ima_template_hash(const ImaFields& fields, std::uint16_t column = eventlog::kSha1) {
  if (fields.violation) return Bytes(eventlog::known_size(column));
  return to_bytes(eventlog::hash(column, ima_template_data(fields)).view());
}

inline Bytes ima_binary(const ImaFields& fields) {
  Writer writer;
  writer.u32le(10).bytes(ima_template_hash(fields)).u32le(static_cast<std::uint32_t>(fields.kind.size())).bytes(as_bytes(fields.kind));
  if (fields.kind == "ima") {
    writer.bytes(fields.digest).u32le(static_cast<std::uint32_t>(fields.path.size())).bytes(as_bytes(fields.path));
  } else {
    const Bytes data = ima_template_data(fields);
    writer.u32le(static_cast<std::uint32_t>(data.size())).bytes(data);
  }
  return writer.take();
}

inline std::string ima_ascii(const ImaFields& fields, std::uint16_t column = eventlog::kSha1) {
  std::string line = "10 " + hex_encode(ima_template_hash(fields, column)) + " " + fields.kind + " ";
  line += (fields.kind == "ima" ? "" : fields.digest_head) + hex_encode(fields.digest) + " " + fields.path;
  for (std::size_t i = 0; i < fields.more.size(); ++i) {
    // The digest of the signed part is printed with its algorithm, as it is stored, but for the NUL.
    if (fields.kind == "ima-modsig" && i == 1 && !fields.more[i].empty()) {
      const std::string_view text = as_text(fields.more[i]);
      const std::size_t end = text.find('\0');
      line += " " + std::string(text.substr(0, end)) + hex_encode(ByteView(fields.more[i]).subspan(end + 1));
    } else {
      line += " " + hex_encode(fields.more[i]);
    }
  }
  return line + "\n";
}

// Entries of all templates, the boot aggregate first.
inline std::vector<ImaFields> ima_entries() {
  Bytes signature = hex_decode("030204f3452d230004").value();
  append(signature, Bytes(4, std::byte{9}));
  Bytes part = to_bytes(as_bytes(std::string_view("sha256:\0", 8)));
  append(part, Bytes(32, std::byte{5}));
  std::vector<ImaFields> out(8);
  out[0].path = "boot_aggregate";
  out[1].path = "/opt/a name\nof two lines";
  out[2] = {"ima-sig", "sha256:", Bytes(32, std::byte{1}), "/usr/bin/signed", {signature}, false};
  out[3] = {"ima-sig", "sha512:", Bytes(64, std::byte{2}), "/usr/bin/unsigned", {Bytes()}, false};
  out[4] = {"ima-buf", "sha256:", Bytes(32, std::byte{3}), "kexec-cmdline", {to_bytes("root=/dev/vda1 ro")}, false};
  out[5] = {"ima-modsig", "sha256:", Bytes(32, std::byte{4}), "/lib/modules/x.ko", {signature, part, Bytes(20, std::byte{6})}, false};
  out[6] = {"ima-sigv2", "verity:sha256:", Bytes(32, std::byte{8}), "/usr/lib/verity.so", {signature}, false};
  out[7] = {"ima", "", Bytes(20, std::byte{9}), "/usr/bin/kmod", {}, false};
  return out;
}

inline Bytes ima_binary(const std::vector<ImaFields>& entries) {
  Bytes out;
  for (const ImaFields& fields : entries) append(out, ima_binary(fields));
  return out;
}

}  // namespace redoubt::test
