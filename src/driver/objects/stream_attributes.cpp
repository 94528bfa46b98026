// The attributes of a stream: kept and told. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/stream_attributes.h"

namespace anywarp::driver {
namespace {

// The value of one that was never set; false: streams have no such attribute.
bool initial(CUstreamAttrID attribute, CUstreamAttrValue& value) {
  value = {};
  switch (attribute) {
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN: return true;
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP: value.memSyncDomainMap = {0, 1}; return true;
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY: value.syncPolicy = CU_SYNC_POLICY_AUTO; return true;
    default: return false;
  }
}

}  // namespace

bool StreamAttributes::get(CUstreamAttrID attribute, CUstreamAttrValue& value) const {
  if (!initial(attribute, value)) return false;
  std::lock_guard lock(mutex_);
  if (auto found = values_.find(attribute); found != values_.end()) value = found->second;
  return true;
}

bool StreamAttributes::set(CUstreamAttrID attribute, const CUstreamAttrValue& value) {
  CUstreamAttrValue unused;
  if (!initial(attribute, unused)) return false;
  if (attribute == CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY && (value.syncPolicy < CU_SYNC_POLICY_AUTO || value.syncPolicy > CU_SYNC_POLICY_BLOCKING_SYNC)) return false;
  std::lock_guard lock(mutex_);
  values_[attribute] = value;
  return true;
}

void StreamAttributes::copyFrom(const StreamAttributes& other) {
  if (this == &other) return;
  std::scoped_lock lock(mutex_, other.mutex_);
  values_ = other.values_;
}

}  // namespace anywarp::driver
