# Parts that Debian does not carry, fetched by tools/third_party from third_party/package-lock.json.
#
# duckdb::duckdb: the shared library, whose SHA-256 is checked here and again by engines/sql when it starts, in
# build/<preset>/lib/redoubt; the headers are SYSTEM.
set(REDOUBT_DUCKDB_VERSION "1.4.4")
set(REDOUBT_DUCKDB_SHA256 1ef33048e12235115ac0d277a0aaccbb560e33248144f488b5ac005cd9ba81b5)
set(REDOUBT_LIBRARY_DIR ${CMAKE_BINARY_DIR}/lib/redoubt)

set(duckdb_source ${CMAKE_SOURCE_DIR}/third_party/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so)
set(duckdb_headers ${CMAKE_SOURCE_DIR}/third_party/node_modules/duckdb/src/duckdb/src/include)
if(NOT EXISTS ${duckdb_source} OR NOT EXISTS ${duckdb_headers}/duckdb.hpp)
  message(FATAL_ERROR "third_party/node_modules lacks DuckDB: run tools/third_party (or tools/setup core) and try again")
endif()
file(SHA256 ${duckdb_source} duckdb_sha256)
if(NOT duckdb_sha256 STREQUAL REDOUBT_DUCKDB_SHA256)
  message(FATAL_ERROR "libduckdb.so: expected SHA-256 ${REDOUBT_DUCKDB_SHA256}, found ${duckdb_sha256}; "
                      "remove third_party/node_modules and run tools/third_party")
endif()
file(MAKE_DIRECTORY ${REDOUBT_LIBRARY_DIR})
file(COPY_FILE ${duckdb_source} ${REDOUBT_LIBRARY_DIR}/libduckdb.so ONLY_IF_DIFFERENT)

add_library(duckdb::duckdb SHARED IMPORTED GLOBAL)
set_target_properties(duckdb::duckdb PROPERTIES
  IMPORTED_LOCATION ${REDOUBT_LIBRARY_DIR}/libduckdb.so
  IMPORTED_SONAME libduckdb.so
  INTERFACE_INCLUDE_DIRECTORIES ${duckdb_headers}
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${duckdb_headers})
install(PROGRAMS ${REDOUBT_LIBRARY_DIR}/libduckdb.so DESTINATION lib/redoubt COMPONENT libraries)
