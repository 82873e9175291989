#include "enclave/collect/tsm/tsm_reporter.h"

#include "enclave/collect/tsm/certificate_table.h"

namespace redoubt::collect {
namespace {

using EntryName = FixedBytes<struct EntryNameTag, 16>;

constexpr std::size_t kMaxProvider = 64;
constexpr unsigned kMaxPrivilegeLevel = 3;

}  // namespace

// Entry: one report's folder in configfs, removed at the end.
class TsmReporter::Entry {
 public:
  Entry(const DeviceFolder& folder, std::string name) : folder_(folder), name_(std::move(name)) {}
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  // A failure leaves an empty entry behind, which costs the kernel some memory and nobody else anything.
  ~Entry() { static_cast<void>(folder_.remove_folder(name_)); }

  Result<std::string> provider() const { return folder_.read_text(name_ + "/provider", kMaxProvider); }
  Result<std::uint64_t> generation() const { return folder_.read_number(name_ + "/generation"); }
  Status write(std::string_view attribute, ByteView bytes) const { return folder_.write(name_ + "/" + std::string(attribute), bytes); }
  Result<Bytes> read(std::string_view attribute, std::size_t max) const { return folder_.read(name_ + "/" + std::string(attribute), max); }
  std::string path(std::string_view attribute) const { return folder_.path(name_ + "/" + std::string(attribute)); }

 private:
  const DeviceFolder& folder_;
  const std::string name_;
};

TsmReporter::TsmReporter(FileCalls& calls, crypto::Random& random, TsmOptions options)
    : folder_(calls, options.root), random_(random), options_(std::move(options)) {}

Result<std::string> TsmReporter::make_entry() {
  for (int i = 0; i < kAttempts; ++i) {
    std::string name = "redoubt-" + random_.fixed<EntryName>().hex();
    const auto made = folder_.make_folder(name);
    if (!made.ok() && made.error().code() == Code::not_found) return made.error().context("no configfs-tsm here, or no provider behind it");
    REDOUBT_TRY(const bool is_new, made);
    if (is_new) return name;
  }
  return Error(Code::unavailable, folder_.path("") + ": expected a random name that is free, found " + std::to_string(kAttempts) + " taken");
}

Result<std::optional<TsmReport>> TsmReporter::attempt(const ReportData& data, std::string& conflict) {
  REDOUBT_TRY(std::string name, make_entry());
  const Entry entry(folder_, std::move(name));
  TsmReport out;
  REDOUBT_TRY(out.provider, entry.provider());
  const bool snp = out.provider == "sev_guest";
  if (!snp && out.provider != "tdx_guest") {
    return Error(Code::refused, entry.path("provider") + ": expected tdx_guest or sev_guest, found " + out.provider);
  }
  if (!snp && options_.privilege_level) return Error(Code::usage, entry.path("provider") + ": expected sev_guest, which has privilege levels, found " + out.provider);
  REDOUBT_TRY(const std::uint64_t before, entry.generation());
  std::uint64_t writes = 1;
  if (options_.privilege_level) {
    REDOUBT_CHECK(entry.write("privlevel", as_bytes(std::to_string(*options_.privilege_level))));
    ++writes;
  }
  REDOUBT_CHECK(entry.write("inblob", data.view()));
  auto report = entry.read("outblob", kMaxReport);
  Result<Bytes> certificates = Bytes();
  if (snp && report.ok()) certificates = entry.read("auxblob", CertificateTable::kMaxSize);
  REDOUBT_TRY(const std::uint64_t after, entry.generation());
  if (after != before + writes) {
    conflict = entry.path("generation") + ": expected " + std::to_string(before + writes) + " after our writes, found " + std::to_string(after);
    return std::optional<TsmReport>();
  }
  if (!report.ok()) return report.error();
  // An older kernel or another paravisor has no such attribute: the host then gives no certificates.
  if (!certificates.ok() && certificates.error().code() != Code::not_found) return certificates.error();
  out.report = std::move(report).value();
  if (out.report.empty()) return Error(Code::malformed, entry.path("outblob") + ": expected a report, found nothing");
  if (certificates.ok()) out.certificates = std::move(certificates).value();
  return std::optional<TsmReport>(std::move(out));
}

Result<TsmReport> TsmReporter::report(const ReportData& data) {
  if (options_.privilege_level && *options_.privilege_level > kMaxPrivilegeLevel) {
    return Error(Code::usage, "privilege level: expected 0 to 3, found " + std::to_string(*options_.privilege_level));
  }
  std::string conflict;
  for (int i = 0; i < kAttempts; ++i) {
    REDOUBT_TRY(std::optional<TsmReport> report, attempt(data, conflict));
    if (report) return std::move(*report);
  }
  return Error(Code::unavailable, conflict + ", " + std::to_string(kAttempts) + " times in a row");
}

}  // namespace redoubt::collect
