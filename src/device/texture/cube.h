// Cubes: from a direction to a face and a place on it, and across the edges of faces (CUDA: Cubemap Textures).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device/texture/axis.h"

namespace anywarp::device::ANYWARP_SAMPLING {

// Faces are +x, -x, +y, -y, +z, -z. Coordinates on a face are normalised.
void projectOnFaces(const float* x, const float* y, const float* z, unsigned lanes, int32_t* face, float* s, float* t);

// The derivative of the place on the face, for a direction and its derivative.
void projectDerivative(const float direction[3], const float derivative[3], float& ds, float& dt);

// The texel at (column, row) of a face of size*size, where one of the two may lie outside by one: the texel beyond that edge.
void crossEdge(int32_t size, int32_t& face, int32_t& column, int32_t& row);

}  // namespace anywarp::device::ANYWARP_SAMPLING
