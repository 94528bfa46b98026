// Tables of what is supported: functions of both APIs, PTX instruction forms. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

namespace anywarp::cli {

void printApi();
void printPtx();
nlohmann::ordered_json apiJson();
nlohmann::ordered_json ptxJson();

}  // namespace anywarp::cli
