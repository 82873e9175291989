// The OpenAPI 3.1 document of the service, as it is served at /openapi.json. A test keeps it equal to the routes.
#pragma once

#include <string_view>

namespace redoubt::rest {

extern const std::string_view kOpenApi;

}  // namespace redoubt::rest
