// Fields of IMA templates: reading template data, and writing them from the words of the ASCII list. Private to this room.
#pragma once

#include "common/attest/evidence/ima/ima_list.h"

namespace redoubt::ima {

inline constexpr std::size_t kMaxTemplateData = 64 * 1024;
inline constexpr std::size_t kOldNameSize = 256;   // template "ima": the name is hashed in a field of IMA_EVENT_NAME_LEN_MAX + 1 bytes
inline constexpr std::size_t kOldDigestSize = 20;

// has_v2_digest: the digest field begins with the type of the digest. field_count: fields of the template, digest and name included.
bool has_v2_digest(Template kind);
std::size_t field_count(Template kind);
std::optional<Template> template_from_text(std::string_view name);

// read_template fills the fields of entry from entry.template_data; not for the template "ima". `malformed` otherwise.
Status read_template(Entry& entry);
// old_template_data: what the template "ima" hashes.
Bytes old_template_data(ByteView digest, std::string_view path);
// template_data: of the other templates, from fields as the kernel stores them.
Bytes template_data(const std::vector<Bytes>& fields);
// check_digest: the algorithm is known and the digest of its size.
Status check_digest(std::string_view algorithm, ByteView digest);

}  // namespace redoubt::ima
