// Documents in the form of Intel's Provisioning Certification Service, made for tests: TCB info and QE identity as JSON, unsigned.
#pragma once

#include <cstdint>
#include <string>

namespace redoubt::test {

struct IntelDocument {
  bool tdx = true;
  std::string fmspc = "90C06F000000";
  std::string pce_id = "0000";
  unsigned evaluation_number = 19;
  std::string issue_date = "2026-06-08T11:32:35Z";
  std::string next_update = "2026-07-08T11:32:35Z";
};

// component_array: sixteen {"svn":N}, the first three given, the rest zero.
inline std::string component_array(unsigned a, unsigned b, unsigned c) {
  std::string out = "[";
  for (unsigned i = 0; i < 16; ++i) {
    out += (i == 0 ? "{\"svn\":" : ",{\"svn\":") + std::to_string(i == 0 ? a : i == 1 ? b : i == 2 ? c : 0) + "}";
  }
  return out + "]";
}

inline std::string document_head(const IntelDocument& d, unsigned version) {
  return "\"version\":" + std::to_string(version) + ",\"issueDate\":\"" + d.issue_date + "\",\"nextUpdate\":\"" + d.next_update +
         "\",\"tcbEvaluationDataNumber\":" + std::to_string(d.evaluation_number);
}

// tcb_level: SGX components (sgx, 3, 2), PCESVN, TDX components (5, 0, tdx).
inline std::string tcb_level(bool with_tdx, unsigned sgx, unsigned pcesvn, unsigned tdx, const std::string& rest) {
  return "{\"tcb\":{\"sgxtcbcomponents\":" + component_array(sgx, 3, 2) + ",\"pcesvn\":" + std::to_string(pcesvn) +
         (with_tdx ? ",\"tdxtcbcomponents\":" + component_array(5, 0, tdx) : std::string()) + "}," + rest + "}";
}

// tdx_tcb_info (or for SGX): two levels; for TDX the modules 1 and 3.
inline std::string tdx_tcb_info(const IntelDocument& d) {
  const std::string module = "\"mrsigner\":\"" + std::string(96, '0') + "\",\"attributes\":\"" + std::string(16, '0') +
                             "\",\"attributesMask\":\"" + std::string(16, 'F') + "\"";
  const std::string date = "\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":";
  const std::string modules =
      ",\"tdxModule\":{" + module + "},\"tdxModuleIdentities\":[{\"id\":\"TDX_03\"," + module + ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":3}," +
      date + "\"UpToDate\"}]},{\"id\":\"TDX_01\"," + module + ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":6}," + date +
      "\"UpToDate\"},{\"tcb\":{\"isvsvn\":2}," + date + "\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-01036\"]}]}]";
  return "{\"id\":\"" + std::string(d.tdx ? "TDX" : "SGX") + "\"," + document_head(d, 3) + ",\"fmspc\":\"" + d.fmspc + "\",\"pceId\":\"" +
         d.pce_id + "\",\"tcbType\":0" + (d.tdx ? modules : std::string()) + ",\"tcbLevels\":[" +
         tcb_level(d.tdx, 3, 13, 3, date + "\"UpToDate\"") + "," +
         tcb_level(d.tdx, 2, 5, 2, date + "\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00106\",\"INTEL-SA-00115\"]") + "]}";
}

inline std::string qe_identity(const IntelDocument& d) {
  return "{\"id\":\"" + std::string(d.tdx ? "TD_QE" : "QE") + "\"," + document_head(d, 2) +
         ",\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\"attributes\":\"11000000000000000000000000000000\","
         "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":"
         "\"DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5\",\"isvprodid\":" +
         (d.tdx ? "2" : "1") +
         ",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
         "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"OutOfDate\"}]}";
}

}  // namespace redoubt::test
