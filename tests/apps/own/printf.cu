// Formatted output from a kernel comes out in whole lines, at synchronisation. SPDX-License-Identifier: Apache-2.0
#include "check.h"

__global__ void say(int base) {
  printf("thread %d of block %d: %5.2f %s %lld %c\n", threadIdx.x, blockIdx.x, base + 0.5, "text", 1ll << 40, 'x');
}

int main() {
  say<<<2, 1>>>(3);
  CHECK(cudaDeviceSynchronize());
  return 0;
}
