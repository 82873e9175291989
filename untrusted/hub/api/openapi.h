// The text of openapi.json, put into the program by the build.
#pragma once

#include <string_view>

namespace redoubt::hub {

extern const std::string_view kOpenApi;

}  // namespace redoubt::hub
