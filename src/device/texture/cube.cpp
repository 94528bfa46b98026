// Cubes. SPDX-License-Identifier: Apache-2.0
#include "device/texture/cube.h"

#include <algorithm>
#include <cmath>

namespace anywarp::device::ANYWARP_SAMPLING {
namespace {

// How a face lies: which axis it looks along, and which axes (with signs) its columns and rows follow.
struct Face {
  int axis, sign;
  int columnAxis, columnSign;
  int rowAxis, rowSign;
};
constexpr Face faces[6] = {
    {0, 1, 2, -1, 1, -1}, {0, -1, 2, 1, 1, -1}, {1, 1, 0, 1, 2, 1}, {1, -1, 0, 1, 2, -1}, {2, 1, 0, 1, 1, -1}, {2, -1, 0, -1, 1, -1},
};

int faceOf(const float direction[3]) {
  float size[3] = {std::fabs(direction[0]), std::fabs(direction[1]), std::fabs(direction[2])};
  int axis = size[0] > size[1] && size[0] > size[2] ? 0 : size[1] > size[2] ? 1 : 2;
  return 2 * axis + (std::signbit(direction[axis]) && direction[axis] != 0 ? 1 : 0);
}

}  // namespace

void projectOnFaces(const float* x, const float* y, const float* z, unsigned lanes, int32_t* face, float* s, float* t) {
  for (unsigned i = 0; i < lanes; ++i) {
    float direction[3] = {x[i], y[i], z[i]};
    face[i] = faceOf(direction);
    const Face& f = faces[face[i]];
    float length = std::fabs(direction[f.axis]);
    float column = direction[f.columnAxis] * static_cast<float>(f.columnSign);
    float row = direction[f.rowAxis] * static_cast<float>(f.rowSign);
    s[i] = (column / length + 1.0f) * 0.5f;
    t[i] = (row / length + 1.0f) * 0.5f;
  }
}

void projectDerivative(const float direction[3], const float derivative[3], float& ds, float& dt) {
  const Face& f = faces[faceOf(direction)];
  float length = std::fabs(direction[f.axis]);
  float dLength = derivative[f.axis] * static_cast<float>(f.sign);
  auto quotient = [&](int axis, int sign) {
    float value = direction[axis] * static_cast<float>(sign), change = derivative[axis] * static_cast<float>(sign);
    return (change * length - value * dLength) / (length * length) * 0.5f;
  };
  ds = quotient(f.columnAxis, f.columnSign);
  dt = quotient(f.rowAxis, f.rowSign);
}

// In half texels from the centre of the cube, whose faces lie at +-size: texel i has its centre at 2 * i + 1 - size.
void crossEdge(int32_t size, int32_t& face, int32_t& column, int32_t& row) {
  if (column >= 0 && column < size && row >= 0 && row < size) return;
  const Face& f = faces[face];
  int32_t place[3];
  int32_t c = 2 * column + 1 - size, r = 2 * row + 1 - size;
  // Beyond the edge the surface bends: what sticks out along the face goes back along its axis.
  int32_t over = std::max(std::abs(c), std::abs(r)) - size;
  place[f.axis] = f.sign * (size - over);
  place[f.columnAxis] = f.columnSign * std::clamp(c, -size, size);
  place[f.rowAxis] = f.rowSign * std::clamp(r, -size, size);
  int axis = std::abs(place[f.columnAxis]) == size ? f.columnAxis : f.rowAxis;
  face = 2 * axis + (place[axis] < 0);
  const Face& g = faces[face];
  column = (g.columnSign * place[g.columnAxis] + size - 1) / 2;
  row = (g.rowSign * place[g.rowAxis] + size - 1) / 2;
  column = std::clamp(column, 0, size - 1);
  row = std::clamp(row, 0, size - 1);
}

}  // namespace anywarp::device::ANYWARP_SAMPLING
