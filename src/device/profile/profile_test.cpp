// The presented device. SPDX-License-Identifier: Apache-2.0
#include "device/profile/profile.h"

#include <gtest/gtest.h>

#include <cstring>

namespace anywarp::device {
namespace {

TEST(Profile, EveryNameGivesADevice) {
  for (const char* name : profileNames()) {
    auto profile = makeProfile(name, 0);
    ASSERT_TRUE(profile) << name;
    if (std::strcmp(name, "host") != 0) {
      EXPECT_EQ(std::string("sm_") + std::to_string(profile->ccMajor()) + std::to_string(profile->ccMinor()), name);
    }
    EXPECT_GE(profile->smCount(), 1);
    EXPECT_GT(profile->memoryBytes, 0u);
  }
  auto unknown = makeProfile("sm_1", 0);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("sm_90"), std::string::npos);
}

TEST(Profile, AttributesByNumber) {
  auto profile = makeProfile("sm_80", 3);
  ASSERT_TRUE(profile);
  EXPECT_EQ(attribute(*profile, 1), 1024);
  EXPECT_EQ(attribute(*profile, 10), 32);
  EXPECT_EQ(attribute(*profile, 75), 8);
  EXPECT_EQ(attribute(*profile, 97), 166912);
  EXPECT_EQ(attribute(*profile, 32), 0);
  EXPECT_FALSE(attribute(*profile, 0));
  EXPECT_FALSE(attribute(*profile, 150));
  EXPECT_FALSE(attribute(*profile, -1));
  EXPECT_EQ(profile->pciBusId, "0000:04:00.0");
  EXPECT_NE(profile->uuid, makeProfile("sm_80", 2)->uuid);
}

}  // namespace
}  // namespace anywarp::device
