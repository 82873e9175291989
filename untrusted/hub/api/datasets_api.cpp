// Datasets: manifests, and ciphertext in parts.
#include "common/net/problem.h"
#include "untrusted/hub/api/api.h"
#include "untrusted/hub/jobs/handlers.h"

namespace redoubt::hub {
namespace {

std::uint64_t received_of(const std::vector<DatasetPart>& parts) {
  std::uint64_t size = 0;
  for (const DatasetPart& part : parts) size += part.size;
  return size;
}

json::Value received_json(std::uint64_t received) { return json::Object{{"received", static_cast<std::int64_t>(received)}}; }

// repeated: the part that begins at `offset` is there with these bytes.
bool repeated(const std::vector<DatasetPart>& parts, std::uint64_t offset, ByteView bytes) {
  std::uint64_t at = 0;
  for (const DatasetPart& part : parts) {
    if (at == offset) return part.size == bytes.size() && part.sha256 == crypto::sha256(bytes);
    at += part.size;
  }
  return false;
}

}  // namespace

Result<net::HttpResponse> HubApi::create_dataset(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const json::Value body, body_of(call));
  json::ObjectReader reader(body, "body");
  const json::Value& untrusted = reader.object("manifest");
  REDOUBT_CHECK(reader.finish());
  REDOUBT_TRY(const auto document, jobs::SignedDocument::from_json(untrusted, jobs::Manifest::kMaxBytes));
  REDOUBT_TRY(const jobs::Manifest manifest, jobs::Manifest::parse(document.text).context("manifest"));
  if (manifest.contract != environment.contract_digest) {
    return Error(Code::binding, "manifest: expected contract " + environment.contract_digest.hex() + ", found " + manifest.contract.hex());
  }
  REDOUBT_TRY(const jobs::Contract contract, jobs::Contract::parse(environment.contract));
  REDOUBT_TRY(const auto* owner, author(contract, jobs::kManifestType, manifest.owner, document));
  if (manifest.ciphertext_size == 0 || manifest.ciphertext_size > kMaxCiphertext) {
    return Error(Code::refused, "manifest: expected 1 to " + std::to_string(kMaxCiphertext) + " bytes of ciphertext");
  }
  const std::string digest = manifest.digest().hex();
  const Dataset dataset{environment.id, manifest.dataset,         manifest.version,        owner->name, document.encode(), digest,
                        manifest.ciphertext_size, DatasetState::uploading, parts_.now()};

  const auto response = [&](int status, std::uint64_t received) {
    return json_answer(status, json::Object{{"dataset", digest}, {"received", static_cast<std::int64_t>(received)}});
  };
  const net::HttpResponse created = response(201, 0);
  // Whether it is there is seen where it is added: what several owners announce at once is committed together.
  const auto added = parts_.store.write("dataset.add", [&](Transaction& transaction) -> Result<bool> {
    const auto found = find_dataset(transaction, environment.id, digest);
    if (found.ok()) return false;
    if (found.error().code() != Code::not_found) return found.error();
    REDOUBT_CHECK(add_dataset(transaction, dataset));
    REDOUBT_CHECK(record(transaction, call, "dataset.create", digest, created));
    return true;
  });
  if (!added.ok()) return added.error().code() == Code::refused ? Result<net::HttpResponse>(conflict(added.error().message())) : added.error();
  if (*added) {
    parts_.host.poke(environment.id);
    return created;
  }
  const std::lock_guard lock(lock_of(environment.id));
  REDOUBT_TRY(const Dataset present, parts_.store.read([&](Transaction& transaction) { return find_dataset(transaction, environment.id, digest); }));
  if (present.state != DatasetState::uploading) return response(200, present.size);
  REDOUBT_TRY(const auto parts, parts_.store.read([&](Transaction& transaction) { return get_parts(transaction, present); }));
  if (received_of(parts) == present.size) REDOUBT_CHECK(finish_upload(present, parts.size()));
  return response(200, received_of(parts));
}

Result<net::HttpResponse> HubApi::put_content(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const auto digest, jobs::ManifestDigest::from_hex(call.param("manifest"), "manifest digest"));
  REDOUBT_TRY(const std::uint64_t offset, number_of(call, "offset", std::nullopt));
  const Bytes& bytes = call.request.body;
  if (bytes.empty()) return Error(Code::malformed, "content: expected 1 to " + std::to_string(kMaxPart) + " bytes, found none");

  const std::lock_guard lock(lock_of(environment.id));
  REDOUBT_TRY(const Dataset dataset, load_dataset(call, environment, digest));
  if (dataset.state != DatasetState::uploading) {
    if (offset < dataset.size && bytes.size() <= dataset.size - offset) return json_answer(200, received_json(dataset.size));
    return conflict("content: all " + std::to_string(dataset.size) + " bytes are here");
  }
  REDOUBT_TRY(const auto parts, parts_.store.read([&](Transaction& transaction) { return get_parts(transaction, dataset); }));
  const std::uint64_t received = received_of(parts);
  if (offset != received) {
    if (repeated(parts, offset, bytes)) {
      // The last part may have been kept and its end not: then it is finished now.
      if (received == dataset.size) REDOUBT_CHECK(finish_upload(dataset, parts.size()));
      return json_answer(200, received_json(received));
    }
    return conflict("content: expected offset " + std::to_string(received) + ", found " + std::to_string(offset));
  }
  if (bytes.size() > dataset.size - received) {
    return conflict("content: beyond the " + std::to_string(dataset.size) + " bytes of the manifest");
  }
  if (parts.size() >= kMaxParts) return conflict("content: more than " + std::to_string(kMaxParts) + " parts, send larger ones");
  REDOUBT_TRY(const ObjectName name, ObjectName::parse(dataset.object));
  REDOUBT_TRY(auto writer, parts_.objects.write_part(name, parts.size()));
  REDOUBT_CHECK(writer.append(bytes));
  REDOUBT_TRY(const ObjectInfo info, writer.commit());
  REDOUBT_CHECK(parts_.store.write("dataset.part", [&](Transaction& transaction) -> Status {
    return put_part(transaction, dataset, {parts.size(), info.size, info.sha256});
  }));
  if (received + bytes.size() == dataset.size) REDOUBT_CHECK(finish_upload(dataset, parts.size() + 1));
  return json_answer(200, received_json(received + bytes.size()));
}

Status HubApi::finish_upload(const Dataset& dataset, std::uint64_t parts) {
  REDOUBT_TRY(const ObjectName name, ObjectName::parse(dataset.object));
  // An object gets its name only when it is whole; one that is there was joined by a hub that was killed after that.
  const auto present = parts_.objects.read(name);
  if (!present.ok()) {
    REDOUBT_TRY(const ObjectInfo joined, parts_.objects.join(name, parts, std::nullopt));
    if (joined.size != dataset.size) return Error(Code::internal, "dataset " + dataset.object + ": parts do not add up");
  } else {
    REDOUBT_CHECK(parts_.objects.remove_parts(name));
  }
  REDOUBT_CHECK(parts_.store.write("dataset.stored", [&](Transaction& transaction) -> Status {
    REDOUBT_CHECK(set_dataset_state(transaction, dataset, DatasetState::uploading, DatasetState::stored));
    REDOUBT_CHECK(add_deliver_job(transaction, dataset.environment, dataset.object, parts_.now()));
    return add_audit_event(transaction, {parts_.now(), "hub", "dataset.stored", dataset.object, ""});
  }));
  parts_.wake_worker();
  return {};
}

Status HubApi::finish_uploads() {
  std::vector<std::pair<Dataset, std::vector<DatasetPart>>> uploads;
  REDOUBT_CHECK(parts_.store.read([&](Transaction& transaction) -> Status {
    PageRequest environments{.cursor = "", .count = kMaxPage};
    do {
      REDOUBT_TRY(const auto found, hub::list_environments(transaction, environments));
      for (const Environment& environment : found.items) {
        if (!environment.home.empty() && environment.home != parts_.hub) continue;  // its parts are on another machine
        PageRequest datasets{.cursor = "", .count = kMaxPage};
        do {
          REDOUBT_TRY(const auto page, hub::list_datasets(transaction, environment.id, datasets));
          for (const Dataset& dataset : page.items) {
            if (dataset.state != DatasetState::uploading) continue;
            REDOUBT_TRY(auto parts, get_parts(transaction, dataset));
            uploads.emplace_back(dataset, std::move(parts));
          }
          datasets.cursor = page.next;
        } while (!datasets.cursor.empty());
      }
      environments.cursor = found.next;
    } while (!environments.cursor.empty());
    return {};
  }));
  for (const auto& [dataset, parts] : uploads) {
    if (received_of(parts) == dataset.size) REDOUBT_CHECK(finish_upload(dataset, parts.size()));
  }
  return {};
}

Result<net::HttpResponse> HubApi::list_datasets(const Call& call) {
  REDOUBT_TRY(const Environment environment, load_environment(call));
  REDOUBT_TRY(const PageRequest request, page_of(call));
  const auto states = parts_.host.dataset_states(environment.id);
  return parts_.store.read([&](Transaction& transaction) -> Result<net::HttpResponse> {
    REDOUBT_TRY(const auto page, hub::list_datasets(transaction, environment.id, request));
    ListText items;
    for (const Dataset& dataset : page.items) {
      std::uint64_t received = dataset.size;
      if (dataset.state == DatasetState::uploading) {
        REDOUBT_TRY(const auto parts, get_parts(transaction, dataset));
        received = received_of(parts);
      }
      const auto state = states.find(dataset.object);
      const bool inside = dataset.state == DatasetState::stored && state != states.end();
      std::string item = R"({"dataset":")" + dataset.object + R"(","document":)";
      REDOUBT_CHECK(put_document(item, dataset.manifest));
      item += R"(,"received":)" + std::to_string(received) + R"(,"state":)" +
              json::canonical(json::Value(inside ? state->second : std::string(name_of(dataset.state)))) + '}';
      items.add(item);
    }
    return items.answer(page.next);
  });
}

}  // namespace redoubt::hub
