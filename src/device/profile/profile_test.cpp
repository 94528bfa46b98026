// The presented device. SPDX-License-Identifier: Apache-2.0
#include "device/profile/profile.h"

#include <gtest/gtest.h>

namespace anywarp::device {
namespace {

TEST(Profile, EveryNameGivesADevice) {
  for (const std::string& name : profileNames()) {
    auto profile = makeProfile(name, 0);
    ASSERT_TRUE(profile) << name;
    EXPECT_EQ(profile->profile, name);
    if (name.rfind("sm_", 0) == 0) {
      EXPECT_EQ("sm_" + std::to_string(profile->ccMajor()) + std::to_string(profile->ccMinor()), name);
    }
    EXPECT_GE(profile->smCount(), 1);
    EXPECT_GT(profile->memoryBytes, 0u);
  }
  auto unknown = makeProfile("sm_1", 0);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("sm_90"), std::string::npos);
  EXPECT_NE(unknown.error().message.find("h100"), std::string::npos);
}

TEST(Profile, ProductsHaveTheirNumbers) {
  auto h100 = makeProfile("h100", 1, 4);
  ASSERT_TRUE(h100);
  EXPECT_EQ(h100->name, "anywarp H100 80GB HBM3");
  EXPECT_EQ(h100->smCount(), 132);
  EXPECT_EQ(h100->ccMajor(), 9);
  EXPECT_EQ(attribute(*h100, 13), 1980000);
  EXPECT_EQ(attribute(*h100, 36), 2619000);
  EXPECT_EQ(attribute(*h100, 37), 5120);
  EXPECT_EQ(attribute(*h100, 38), 50 << 20);
  EXPECT_EQ(attribute(*h100, 139), 0x233010de);
  EXPECT_LE(h100->memoryBytes, uint64_t{80} << 30);
  auto alone = makeProfile("h100", 1);
  ASSERT_TRUE(alone);
  EXPECT_LE(h100->memoryBytes, alone->memoryBytes);
  EXPECT_TRUE(makeProfile("a100-40gb", 0));
}

TEST(Profile, ListsOfDevices) {
  using Names = std::vector<std::string>;
  auto parsed = [](const char* list) { return parseDevices(list, "host"); };
  EXPECT_EQ(*parsed("1"), Names({"host"}));
  EXPECT_EQ(*parsed("0"), Names());
  EXPECT_EQ(*parsed("2:h100,2:b200"), Names({"h100", "h100", "b200", "b200"}));
  EXPECT_EQ(*parsed("l4,2"), Names({"l4", "host", "host"}));
  EXPECT_EQ(parsed("64")->size(), 64u);
  for (const char* bad : {"65", "64,1", "64,h100", "-1", "2:", ":h100", "x:h100", "1.5", "99999999999999999999"}) {
    auto result = parsed(bad);
    // A word that is no number is a profile's name, which makeProfile() refuses.
    EXPECT_TRUE(!result || !makeProfile((*result)[0], 0)) << bad;
  }
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
