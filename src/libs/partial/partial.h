// Libraries of NVIDIA's that clients want to open before they run anything: the little that they ask then. SPDX-License-Identifier: Apache-2.0
// Everything else that such a library exports is there by name, says so once on the log and returns its "not supported" (docs/decisions/0026).
#pragma once

#include <string_view>

#include "support/log.h"

namespace anywarp::partial {

template <class Status>
Status missing(std::string_view name, Status notSupported) {
  log::logOnce(log::Level::Warn, name, "{} is not supported", name);
  return notSupported;
}

}  // namespace anywarp::partial
