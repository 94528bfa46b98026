// Who else wants to hear the log's errors and warnings. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/log.h"

namespace anywarp::log {

// Called with each error and warning that is written, on the thread that writes it; null for none.
using Listener = void (*)(Level level, std::string_view text);
void setListener(Listener listener);

}  // namespace anywarp::log
