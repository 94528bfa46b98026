// A quaternion Julia set over a reflecting floor, ray-marched: one thread per pixel. SPDX-License-Identifier: Apache-2.0
// After the distance estimate of Hart, Sandin and Kauffman (1989). scene.ptx is made from this file by scripts/make_ptx.
#include "device.h"

DEVICE float3 vec(float x, float y, float z) { return {x, y, z}; }
DEVICE float3 operator+(float3 a, float3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
DEVICE float3 operator-(float3 a, float3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
DEVICE float3 operator*(float3 a, float3 b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
DEVICE float3 operator*(float3 a, float s) { return {a.x * s, a.y * s, a.z * s}; }
DEVICE float dot(float3 a, float3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
DEVICE float3 unit(float3 a) { return a * rsqrt(dot(a, a)); }
DEVICE float clamp01(float x) { return minf(maxf(x, 0.0f), 1.0f); }
DEVICE float3 mix(float3 a, float3 b, float t) { return a + (b - a) * t; }
DEVICE float smooth(float a, float b, float x) {
  float t = clamp01((x - a) * rcp(b - a));
  return t * t * (3.0f - 2.0f * t);
}

constexpr float floorHeight = -1.05f;
constexpr float far = 16.0f;

struct Surface {
  float distance;
  float trap;  // how near the orbit came to the axes: the colour
};

// Distance to the Julia set of q -> q^2 + c, for the slice w = 0.15.
DEVICE Surface juliaSet(float3 p) {
  float qx = p.x, qy = p.y, qz = p.z, qw = 0.15f;
  float norm = qx * qx + qy * qy + qz * qz + qw * qw, derivative = 1.0f, trap = norm;
  if (norm > 3.0f) {
    float r = norm * rsqrt(norm);
    return {r - 1.6f, trap};  // outside the bounding sphere a plain distance will do
  }
  for (int i = 0; i < 11; ++i) {
    derivative *= 4.0f * norm;
    float x = qx * qx - qy * qy - qz * qz - qw * qw - 0.213f;
    qy = 2.0f * qx * qy - 0.0410f;
    qz = 2.0f * qx * qz - 0.563f;
    qw = 2.0f * qx * qw - 0.560f;
    qx = x;
    norm = qx * qx + qy * qy + qz * qz + qw * qw;
    trap = minf(trap, absf(qx * qx + qz * qz - 0.1f) + 0.3f * qy * qy);
    if (norm > 16.0f) break;
  }
  float distance = 0.25f * lg2(maxf(norm, 1.0001f)) * 0.69314718f * (norm * rsqrt(norm)) * rsqrt(maxf(derivative, 1e-20f));
  return {distance, trap};
}

// The gradient from the four corners of a small tetrahedron.
DEVICE float3 normalAt(float3 p) {
  float3 sum = vec(0.0f, 0.0f, 0.0f);
#pragma unroll 1
  for (int corner = 0; corner < 4; ++corner) {
    float3 side = vec(corner & 1 ? 1.0f : -1.0f, corner & 2 ? 1.0f : -1.0f, corner == 1 || corner == 2 ? -1.0f : 1.0f);
    sum = sum + side * juliaSet(p + side * 0.0006f).distance;
  }
  return unit(sum);
}

// Walks along a ray until it is near the set; `far` when it misses.
DEVICE float march(float3 origin, float3 direction, float from, float to, float* trap) {
  float t = from;
  for (int i = 0; i < 160; ++i) {
    Surface s = juliaSet(origin + direction * t);
    *trap = s.trap;
    if (s.distance < 0.0004f * t) return t;
    t += s.distance;
    if (t > to) break;
  }
  return far;
}

// How much of the sun reaches a point: the nearest miss on the way makes a soft edge.
DEVICE float sunlight(float3 origin, float3 sun) {
  float light = 1.0f, t = 0.02f;
  for (int i = 0; i < 60; ++i) {
    float distance = juliaSet(origin + sun * t).distance;
    light = minf(light, 14.0f * distance * rcp(t));
    t += minf(maxf(distance, 0.01f), 0.2f);
    if (light < 0.002f || t > 4.0f) break;
  }
  return clamp01(light);
}

DEVICE float3 sky(float3 direction, float3 sun) {
  float3 colour = mix(vec(0.93f, 0.72f, 0.52f), vec(0.12f, 0.26f, 0.55f), smooth(-0.05f, 0.55f, direction.y));
  float s = maxf(dot(direction, sun), 0.0f), s8 = s * s * s * s * s * s * s * s, s64 = s8 * s8 * s8 * s8 * s8 * s8 * s8 * s8;
  return colour + vec(1.0f, 0.75f, 0.4f) * (0.35f * s8 + 1.2f * s64 * s64);
}

DEVICE float3 palette(float t) {
  return vec(0.55f + 0.45f * cosApprox(6.2832f * (t + 0.02f)), 0.45f + 0.40f * cosApprox(6.2832f * (t + 0.20f)),
             0.38f + 0.38f * cosApprox(6.2832f * (t + 0.38f)));
}

DEVICE float3 shadeSet(float3 p, float3 direction, float trap, float3 sun) {
  float3 n = normalAt(p);
  float3 base = palette(0.9f + 1.1f * (trap > 0.0f ? trap * rsqrt(trap) : 0.0f));
  float light = maxf(dot(n, sun), 0.0f);
  if (light > 0.0f) light *= sunlight(p + n * 0.004f, sun);
  float3 half = unit(sun - direction);
  float gloss = ex2(90.0f * lg2(maxf(dot(n, half), 1e-4f)));
  float occlusion = clamp01(0.35f + 12.0f * juliaSet(p + n * 0.08f).distance);
  float rim = 1.0f + dot(n, direction);
  float3 ambient = mix(vec(0.30f, 0.22f, 0.18f), vec(0.30f, 0.42f, 0.62f), 0.5f + 0.5f * n.y);
  float3 colour = base * (vec(1.5f, 1.25f, 0.95f) * light + ambient * (0.75f * occlusion));
  return colour + vec(1.0f, 0.9f, 0.7f) * (0.6f * gloss * light) + sky(direction - n * (2.0f * dot(n, direction)), sun) * (0.25f * rim * rim * occlusion);
}

DEVICE float3 shadeFloor(float3 p, float distance, float3 sun) {
  int tile = (int(floorFloat(p.x * 1.5f)) + int(floorFloat(p.z * 1.5f))) & 1;
  float3 base = tile ? vec(0.62f, 0.60f, 0.58f) : vec(0.16f, 0.17f, 0.20f);
  base = mix(base, vec(0.39f, 0.385f, 0.39f), smooth(4.0f, 11.0f, distance));
  float occlusion = clamp01(0.3f + 0.9f * juliaSet(p).distance);
  return base * (vec(1.35f, 1.1f, 0.85f) * (sunlight(p, sun) * sun.y) + vec(0.28f, 0.34f, 0.46f) * occlusion);
}

DEVICE float3 haze(float3 colour, float3 direction, float distance, float3 sun) {
  return mix(sky(vec(direction.x, maxf(direction.y, 0.0f), direction.z), sun), colour, ex2(-0.0016f * distance * distance * distance));
}

// A ray from the eye, and its one reflection by the floor.
DEVICE float3 trace(float3 origin, float3 direction, float3 sun) {
  float3 colour = vec(0.0f, 0.0f, 0.0f), floorDirection = direction;
  float share = 1.0f, from = 1.2f, floorDistance = 0.0f;
#pragma unroll 1
  for (int bounce = 0; bounce < 2; ++bounce) {
    float toFloor = direction.y < -0.001f ? (floorHeight - origin.y) * rcp(direction.y) : far;
    float trap, t = march(origin, direction, from, minf(toFloor, 7.0f), &trap);
    float3 seen = sky(direction, sun);
    bool floorSeen = false;
    if (t < minf(toFloor, far)) {
      seen = shadeSet(origin + direction * t, direction, trap, sun);
    } else if (toFloor < far) {
      floorSeen = true;
      origin = origin + direction * toFloor;
      seen = shadeFloor(origin, toFloor, sun);
      floorDistance = toFloor;
    }
    if (!floorSeen) {
      colour = colour + seen * share;
      break;
    }
    float grazing = 1.0f + direction.y, mirror = 0.10f + 0.55f * grazing * grazing * grazing;
    colour = colour + seen * (share * (1.0f - mirror));
    share *= mirror;
    from = 0.01f;
    direction = vec(direction.x, -direction.y, direction.z);
  }
  return haze(colour, floorDirection, floorDistance, sun);
}

DEVICE uint byteOf(float x) {
  float curve = x * (2.51f * x + 0.03f) * rcp(x * (2.43f * x + 0.59f) + 0.14f);  // filmic tone curve
  return uint(255.0f * ex2(0.4545f * lg2(maxf(clamp01(curve), 1e-5f))) + 0.5f);
}

// samples x samples rays per pixel; `angle` turns the camera round the set.
GLOBAL LAUNCH_BOUNDS(256) void renderScene(uint* pixels, int width, int height, int samples, float angle) {
  int x = globalX(), y = globalY();
  if (x >= width || y >= height) return;
  float3 sun = unit(vec(0.62f, 0.55f, 0.40f));
  float3 eye = vec(2.9f * sinApprox(angle), 0.42f, 2.9f * cosApprox(angle));
  float3 ahead = unit(vec(0.0f, -0.12f, 0.0f) - eye);
  float3 right = unit(vec(-ahead.z, 0.0f, ahead.x));
  float3 up = vec(right.y * ahead.z - right.z * ahead.y, right.z * ahead.x - right.x * ahead.z, right.x * ahead.y - right.y * ahead.x);

  float3 sum = vec(0.0f, 0.0f, 0.0f);
  float step = 1.0f / float(samples);
  for (int sy = 0; sy < samples; ++sy) {
    for (int sx = 0; sx < samples; ++sx) {
      float u = (float(x) + (float(sx) + 0.5f) * step - 0.5f * float(width)) / float(height);
      float v = (0.5f * float(height) - float(y) - (float(sy) + 0.5f) * step) / float(height);
      sum = sum + trace(eye, unit(ahead * 1.25f + right * u + up * v), sun);
    }
  }
  sum = sum * (step * step);
  pixels[y * width + x] = byteOf(sum.x) | byteOf(sum.y) << 8 | byteOf(sum.z) << 16 | 0xff000000u;
}
