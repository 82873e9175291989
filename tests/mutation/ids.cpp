// Prints the checks that verdicts rest on: one line for each table and id, "snp N4 mandatory" or "snp N7 -".
#include <cstdio>
#include <set>

#include "common/attest/appraise/verdict.h"

int main() {
  using redoubt::appraise::Table;
  const std::pair<const char*, const Table*> tables[] = {
      {"tpm", &redoubt::appraise::kTpmTable}, {"sgx", &redoubt::appraise::kSgxTable},     {"tdx", &redoubt::appraise::kTdxTable},
      {"snp", &redoubt::appraise::kSnpTable}, {"nitro", &redoubt::appraise::kNitroTable}, {"token", &redoubt::appraise::kTokenTable}};
  for (const auto& [name, table] : tables) {
    const std::set mandatory(table->mandatory.begin(), table->mandatory.end());
    for (const auto id : table->all) {
      std::printf("%s %s %s\n", name, std::string(redoubt::attest::id_text(id)).c_str(), mandatory.contains(id) ? "mandatory" : "-");
    }
  }
  // What certificates with Evidence inside add; their platform is that of the Evidence.
  for (const char* id : {"R1", "R2"}) std::printf("cert %s -\n", id);
  // What a composite of Azure adds to the hardware's own table.
  for (const char* id : {"N15", "M1", "M2", "M3", "M4", "M5", "M6", "L5"}) std::printf("azure %s -\n", id);
  // An endorsement of the machine below a container, beside SEV-SNP Evidence.
  std::printf("uvm N16 -\n");
  return 0;
}
