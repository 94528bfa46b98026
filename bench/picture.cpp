// The table as a picture: for each kernel what share of our time the twin and the machine's limit would have taken, and OpenCL.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "bench.h"

namespace bench {
namespace {

constexpr int left = 150, width = 640, rowHeight = 22, top = 70;
constexpr double lowest = 0.0625, highest = 16;  // times as fast as the twin

// Logarithmic: as far to the right as a run is fast.
double place(double speed) {
  double at = std::log2(std::clamp(speed, lowest, highest) / lowest) / std::log2(highest / lowest);
  return left + width * at;
}

void bar(FILE* f, double y, double height, double speed, const char* colour) {
  double one = place(1), at = place(speed);
  std::fprintf(f, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s'/>\n", std::min(one, at), y, std::max(std::abs(at - one), 1.0), height, colour);
}

}  // namespace

void drawPicture(const std::string& file, const std::vector<Row>& rows) {
  FILE* f = std::fopen(file.c_str(), "w");
  if (!f) {
    std::fprintf(stderr, "cannot write %s\n", file.c_str());
    return;
  }
  int height = top + rowHeight * int(rows.size()) + 30;
  std::fprintf(f, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='12'>\n", left + width + 80, height);
  std::fprintf(f, "<rect width='100%%' height='100%%' fill='white'/>\n");
  std::fprintf(f, "<text x='10' y='22' font-size='15'>CUDA kernels on this CPU, times as fast as their OpenMP twins</text>\n");
  std::fprintf(f, "<text x='10' y='42'><tspan fill='#2a78b5'>bar: ours</tspan>  <tspan fill='#999'>thin bar: OpenCL (PoCL)</tspan>  <tspan fill='#c33'>mark: the machine's limit</tspan></text>\n");
  for (double speed = lowest; speed <= highest; speed *= 2) {
    std::fprintf(f, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' stroke='%s'/>\n", place(speed), place(speed), top - 6, height - 24, speed == 1 ? "#333" : "#ddd");
    std::fprintf(f, "<text x='%.1f' y='%d' text-anchor='middle' fill='#666'>%g</text>\n", place(speed), height - 8, speed);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& r = rows[i];
    double y = top + rowHeight * double(i), ratio = r.twin / r.kernel;
    std::fprintf(f, "<text x='%d' y='%.1f' text-anchor='end'>%s%s</text>\n", left - 8, y + 12, r.name.c_str(), r.library ? " (oneDNN)" : "");
    bar(f, y + 2, 11, ratio, ratio >= 1 ? "#2a78b5" : ratio >= 0.5 ? "#7fb3d9" : "#e09a3a");
    if (r.openCl) bar(f, y + 14, 4, r.twin / r.openCl, "#999");
    if (r.limit) std::fprintf(f, "<rect x='%.1f' y='%.1f' width='3' height='17' fill='#c33'/>\n", place(r.twin / r.limit) - 1.5, y + 1);
    std::fprintf(f, "<text x='%d' y='%.1f'>%.2f</text>\n", left + width + 10, y + 12, ratio);
  }
  std::fprintf(f, "</svg>\n");
  std::fclose(f);
}

}  // namespace bench
