// Kernels of the set once more, in OpenCL C: what PoCL makes of the same work. SPDX-License-Identifier: Apache-2.0

int tidX() { return get_local_id(0); }
int tidY() { return get_local_id(1); }
int ctaX() { return get_group_id(0); }
int ctaY() { return get_group_id(1); }
int globalX() { return get_global_id(0); }
int globalY() { return get_global_id(1); }
int ntidX() { return get_local_size(0); }
int nctaX() { return get_num_groups(0); }

// The nine lowest bits the other way round.
int reversed(int i) {
  int r = 0;
  for (int b = 0; b < 9; ++b) r |= (i >> b & 1) << (8 - b);
  return r;
}

float normalCdf(float d) {
  float k = native_recip(1.0f + 0.2316419f * fabs(d));
  float c = 0.39894228040f * native_exp(-0.5f * d * d) *
            (k * (0.31938153f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f)))));
  return d > 0 ? 1.0f - c : c;
}

uint nextRandom(uint* s) {
  *s ^= *s << 13;
  *s ^= *s >> 17;
  return *s ^= *s << 5;
}

__kernel void saxpy(__global const float* x, __global float* y, float a, int n) {
  int i = globalX();
  if (i < n) y[i] = a * x[i] + y[i];
}

__kernel void triad(__global const float* a, __global const float* b, __global float* c, float s, int n) {
  for (int i = globalX(); i < n; i += ntidX() * nctaX()) c[i] = a[i] + s * b[i];
}

__kernel void stencil2d(__global const float* in, __global float* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x < 1 || y < 1 || x >= w - 1 || y >= h - 1) return;
  int i = y * w + x;
  out[i] = 0.5f * in[i] + 0.125f * (in[i - 1] + in[i + 1] + in[i - w] + in[i + w]);
}

__kernel void stencil3d(__global const float* in, __global float* out, int n) {
  int x = globalX(), y = globalY();
  if (x < 1 || y < 1 || x >= n - 1 || y >= n - 1) return;
  for (int z = 1; z < n - 1; ++z) {
    int i = (z * n + y) * n + x;
    out[i] = 0.4f * in[i] + 0.1f * (in[i - 1] + in[i + 1] + in[i - n] + in[i + n] + in[i - n * n] + in[i + n * n]);
  }
}

__kernel void stencilShared(__global const float* in, __global float* out, int w, int h) {
  __local float tile[18][34];
  int tx = tidX(), ty = tidY(), x = ctaX() * 32 + tx, y = ctaY() * 16 + ty;
  int cx = x < w ? x : w - 1, cy = y < h ? y : h - 1;
  tile[ty + 1][tx + 1] = in[cy * w + cx];
  if (tx == 0) tile[ty + 1][0] = in[cy * w + (cx > 0 ? cx - 1 : 0)];
  if (tx == 31) tile[ty + 1][33] = in[cy * w + (cx < w - 1 ? cx + 1 : cx)];
  if (ty == 0) tile[0][tx + 1] = in[(cy > 0 ? cy - 1 : 0) * w + cx];
  if (ty == 15) tile[17][tx + 1] = in[(cy < h - 1 ? cy + 1 : cy) * w + cx];
  barrier(CLK_LOCAL_MEM_FENCE);
  if (x < w && y < h)
    out[y * w + x] = 0.5f * tile[ty + 1][tx + 1] + 0.125f * (tile[ty + 1][tx] + tile[ty + 1][tx + 2] + tile[ty][tx + 1] + tile[ty + 2][tx + 1]);
}

__kernel void transpose(__global const float* in, __global float* out, int n) {
  __local float tile[32][33];
  int x = ctaX() * 32 + tidX(), y = ctaY() * 32 + tidY();
  for (int j = 0; j < 32; j += 8) tile[tidY() + j][tidX()] = in[(y + j) * n + x];
  barrier(CLK_LOCAL_MEM_FENCE);
  x = ctaY() * 32 + tidX();
  y = ctaX() * 32 + tidY();
  for (int j = 0; j < 32; j += 8) out[(y + j) * n + x] = tile[tidX()][tidY() + j];
}

__kernel void reduceTree(__global const float* in, __global float* out, int n) {
  __local float s[256];
  int t = tidX();
  float sum = 0;
  for (int i = globalX(); i < n; i += 256 * nctaX()) sum += in[i];
  s[t] = sum;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int d = 128; d > 0; d >>= 1) {
    if (t < d) s[t] += s[t + d];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (t == 0) out[ctaX()] = s[0];
}

// Inclusive sums of each run of 256.
__kernel void scanBlock(__global const int* in, __global int* out) {
  __local int s[2][256];
  int t = tidX(), i = globalX(), from = 0;
  s[0][t] = in[i];
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int d = 1; d < 256; d <<= 1) {
    s[1 - from][t] = t >= d ? s[from][t] + s[from][t - d] : s[from][t];
    from = 1 - from;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  out[i] = s[from][t];
}

__kernel void histogram(__global const uchar* in, __global uint* bins, int n) {
  __local uint s[256];
  int t = tidX();
  s[t] = 0;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = globalX(); i < n; i += 256 * nctaX()) atomic_add(&s[in[i]], 1);
  barrier(CLK_LOCAL_MEM_FENCE);
  atomic_add(&bins[t], s[t]);
}

__kernel void gemmTiled(__global const float* A, __global const float* B, __global float* C, int n) {
  __local float a[16][16], b[16][16];
  int tx = tidX(), ty = tidY(), row = ctaY() * 16 + ty, col = ctaX() * 16 + tx;
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    a[ty][tx] = A[row * n + k + tx];
    b[ty][tx] = B[(k + ty) * n + col];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int j = 0; j < 16; ++j) sum += a[ty][j] * b[j][tx];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  C[row * n + col] = sum;
}

// 64 x 64 of C per block of 16 x 16 threads, 4 x 4 per thread.
__kernel void gemmRegisters(__global const float* A, __global const float* B, __global float* C, int n) {
  __local float a[16][64], b[16][64];
  int tx = tidX(), ty = tidY(), t = ty * 16 + tx, row0 = ctaY() * 64, col0 = ctaX() * 64;
  float sum[4][4] = {0};
  for (int k = 0; k < n; k += 16) {
    for (int j = 0; j < 4; ++j) {
      int e = t + 256 * j;
      a[e & 15][e >> 4] = A[(row0 + (e >> 4)) * n + k + (e & 15)];
      b[e >> 6][e & 63] = B[(k + (e >> 6)) * n + col0 + (e & 63)];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int j = 0; j < 16; ++j) {
      float x[4], y[4];
      for (int i = 0; i < 4; ++i) x[i] = a[j][ty * 4 + i], y[i] = b[j][tx + 16 * i];
      for (int i = 0; i < 4; ++i)
        for (int l = 0; l < 4; ++l) sum[i][l] += x[i] * y[l];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (int i = 0; i < 4; ++i)
    for (int l = 0; l < 4; ++l) C[(row0 + ty * 4 + i) * n + col0 + tx + 16 * l] = sum[i][l];
}

__kernel void nbody(__global const float4* p, __global float4* out, int n) {
  int i = globalX();
  float4 me = p[i];
  float ax = 0, ay = 0, az = 0;
  for (int j = 0; j < n; ++j) {
    float4 q = p[j];
    float dx = q.x - me.x, dy = q.y - me.y, dz = q.z - me.z;
    float r = native_rsqrt(dx * dx + dy * dy + dz * dz + 0.01f), f = q.w * r * r * r;
    ax += dx * f, ay += dy * f, az += dz * f;
  }
  out[i] = (float4)(ax, ay, az, 0);
}

__kernel void blackScholes(__global const float* price, __global const float* strike, __global const float* years, __global float* callValue, __global float* putValue, int n) {
  int i = globalX();
  if (i >= n) return;
  const float r = 0.02f, v = 0.30f;
  float s = price[i], x = strike[i], t = years[i], root = sqrt(t);
  float d1 = (native_log(s * native_recip(x)) + (r + 0.5f * v * v) * t) * native_recip(v * root), d2 = d1 - v * root;
  float c1 = normalCdf(d1), c2 = normalCdf(d2), e = native_exp(-r * t);
  callValue[i] = s * c1 - x * e * c2;
  putValue[i] = x * e * (1.0f - c2) - s * (1.0f - c1);
}

__kernel void mandelbrot(__global int* out, int w, int h, int limit) {
  int x = globalX(), y = globalY();
  if (x >= w || y >= h) return;
  float cr = -2.0f + 3.0f * (float)(x) / (float)(w), ci = -1.2f + 2.4f * (float)(y) / (float)(h), zr = 0, zi = 0;
  int i = 0;
  while (i < limit && zr * zr + zi * zi < 4.0f) {
    float t = zr * zr - zi * zi + cr;
    zi = 2.0f * zr * zi + ci;
    zr = t;
    ++i;
  }
  out[y * w + x] = i;
}

__kernel void gather(__global const float* in, __global const int* index, __global float* out, int n) {
  int i = globalX();
  if (i < n) out[i] = in[index[i]];
}

__kernel void spmv(__global const int* rows, __global const int* columns, __global const float* values, __global const float* x, __global float* y, int n) {
  int row = globalX();
  if (row >= n) return;
  float sum = 0;
  for (int i = rows[row]; i < rows[row + 1]; ++i) sum += values[i] * x[columns[i]];
  y[row] = sum;
}

__kernel void gemmNaive(__global const float* A, __global const float* B, __global float* C, int n) {
  int col = globalX(), row = globalY();
  float sum = 0;
  for (int k = 0; k < n; ++k) sum += A[row * n + k] * B[k * n + col];
  C[row * n + col] = sum;
}

__kernel void gemmTiled32(__global const float* A, __global const float* B, __global float* C, int n) {
  __local float a[32][32], b[32][32];
  int tx = tidX(), ty = tidY(), row = ctaY() * 32 + ty, col = ctaX() * 32 + tx;
  float sum = 0;
  for (int k = 0; k < n; k += 32) {
    a[ty][tx] = A[row * n + k + tx];
    b[ty][tx] = B[(k + ty) * n + col];
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (int j = 0; j < 32; ++j) sum += a[ty][j] * b[j][tx];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  C[row * n + col] = sum;
}

// One product of 16 x 16 matrices per block.
__kernel void gemmBatched(__global const float* A, __global const float* B, __global float* C) {
  __local float a[16][16], b[16][16];
  int tx = tidX(), ty = tidY(), at = ctaX() * 256 + ty * 16 + tx;
  a[ty][tx] = A[at];
  b[ty][tx] = B[at];
  barrier(CLK_LOCAL_MEM_FENCE);
  float sum = 0;
#pragma unroll
  for (int k = 0; k < 16; ++k) sum += a[ty][k] * b[k][tx];
  C[at] = sum;
}

// 3 x 3, `channels` to `channels`, planes of w x h with a frame of one around the input.
__kernel void convolution(__global const float* in, __global const float* weights, __global float* out, int w, int h, int channels) {
  int x = globalX(), y = globalY() % h, k = globalY() / h;
  float sum = 0;
  for (int c = 0; c < channels; ++c) {
    __global const float* plane = in + (c * (h + 2) + y) * (w + 2) + x;
    __global const float* f = weights + (k * channels + c) * 9;
#pragma unroll
    for (int dy = 0; dy < 3; ++dy)
#pragma unroll
      for (int dx = 0; dx < 3; ++dx) sum += f[dy * 3 + dx] * plane[dy * (w + 2) + dx];
  }
  out[(k * h + y) * w + x] = sum;
}

// Sorts each run of 1024.
__kernel void bitonicSort(__global const uint* in, __global uint* out) {
  __local uint s[1024];
  int t = tidX();
  s[t] = in[ctaX() * 1024 + t];
  s[t + 512] = in[ctaX() * 1024 + t + 512];
  for (int size = 2; size <= 1024; size <<= 1)
    for (int stride = size >> 1; stride > 0; stride >>= 1) {
      barrier(CLK_LOCAL_MEM_FENCE);
      int i = 2 * t - (t & (stride - 1)), j = i + stride;
      int up = (i & size) == 0;
      uint x = s[i], y = s[j];
      if ((x > y) == up) s[i] = y, s[j] = x;
    }
  barrier(CLK_LOCAL_MEM_FENCE);
  out[ctaX() * 1024 + t] = s[t];
  out[ctaX() * 1024 + t + 512] = s[t + 512];
}

// Sliced ELLPACK: 32 rows side by side, padded to the longest with zeros.
__kernel void spmvSell(__global const int* slices, __global const int* columns, __global const float* values, __global const float* x, __global float* y) {
  int row = globalX(), slice = row >> 5, lane = row & 31;
  float sum = 0;
  for (int i = slices[slice] + lane; i < slices[slice + 1]; i += 32) sum += values[i] * x[columns[i]];
  y[row] = sum;
}

// The planes of a column of 32 x 8 go through shared memory, one after the other.
__kernel void stencil3dShared(__global const float* in, __global float* out, int n) {
  __local float plane[10][34];
  int tx = tidX() + 1, ty = tidY() + 1, x = ctaX() * 32 + tx, y = ctaY() * 8 + ty;  // of a cube with a frame: n is the inside
  int pitch = n + 2, area = pitch * pitch, at = y * pitch + x;
  float below = in[at], here = in[at + area];
  for (int z = 1; z <= n; ++z) {
    float above = in[at + (z + 1) * area];
    barrier(CLK_LOCAL_MEM_FENCE);
    plane[ty][tx] = here;
    if (tx == 1) plane[ty][0] = in[at + z * area - 1];
    if (tx == 32) plane[ty][33] = in[at + z * area + 1];
    if (ty == 1) plane[0][tx] = in[at + z * area - pitch];
    if (ty == 8) plane[9][tx] = in[at + z * area + pitch];
    barrier(CLK_LOCAL_MEM_FENCE);
    out[at + z * area] = 0.4f * here + 0.1f * (plane[ty][tx - 1] + plane[ty][tx + 1] + plane[ty - 1][tx] + plane[ty + 1][tx] + below + above);
    below = here;
    here = above;
  }
}

// Lennard-Jones forces by neighbour lists, stored so that atoms side by side read side by side.
__kernel void moldyn(__global const float4* atoms, __global const int* neighbours, __global const int* counts, __global float4* force, int n) {
  int i = globalX();
  if (i >= n) return;
  float4 me = atoms[i];
  float fx = 0, fy = 0, fz = 0;
  for (int k = 0; k < counts[i]; ++k) {
    float4 other = atoms[neighbours[k * n + i]];
    float dx = me.x - other.x, dy = me.y - other.y, dz = me.z - other.z, r2 = dx * dx + dy * dy + dz * dz;
    if (r2 < 6.25f) {
      float s = native_recip(r2), s6 = s * s * s, f = s * s6 * (48.0f * s6 - 24.0f);
      fx += dx * f, fy += dy * f, fz += dz * f;
    }
  }
  force[i] = (float4)(fx, fy, fz, 0);
}

// Asian options: paths of normal steps by Box and Muller, two steps at a time.
__kernel void monteCarlo(__global float* payoff, int steps, float drift, float spread) {
  int i = globalX();
  uint s = (uint)(i) * 2654435761u + 12345u;
  float price = 0, sum = 0;
  for (int k = 0; k < steps; k += 2) {
    float u = ((float)(nextRandom(&s) >> 8) + 0.5f) * (1.0f / 16777216), v = (float)(nextRandom(&s) >> 8) * (6.2831853f / 16777216);
    float r = sqrt(-2.0f * native_log(u)) * spread;
    price += drift + r * native_cos(v);
    sum += native_exp(price);
    price += drift + r * native_sin(v);
    sum += native_exp(price);
  }
  payoff[i] = fmax(sum / (float)(steps) - 1.0f, 0);
}

// D2Q9 with a single relaxation time, pull scheme, periodic; nine planes of w x h.
__kernel void latticeBoltzmann(__global const float* in, __global float* out, int w, int h, float omega) {
  int x = globalX(), y = globalY();
  int left = x > 0 ? x - 1 : w - 1, right = x < w - 1 ? x + 1 : 0, down = y > 0 ? y - 1 : h - 1, up = y < h - 1 ? y + 1 : 0, area = w * h;
  float f0 = in[y * w + x], f1 = in[area + y * w + left], f2 = in[2 * area + down * w + x], f3 = in[3 * area + y * w + right];
  float f4 = in[4 * area + up * w + x], f5 = in[5 * area + down * w + left], f6 = in[6 * area + down * w + right];
  float f7 = in[7 * area + up * w + right], f8 = in[8 * area + up * w + left];
  float rho = f0 + f1 + f2 + f3 + f4 + f5 + f6 + f7 + f8, inverse = native_recip(rho);
  float ux = (f1 + f5 + f8 - f3 - f6 - f7) * inverse, uy = (f2 + f5 + f6 - f4 - f7 - f8) * inverse, base = 1.0f - 1.5f * (ux * ux + uy * uy);
#define relax(plane, f, weight, cu) out[plane * area + y * w + x] = f + omega * (weight * rho * (base + 3.0f * (cu) + 4.5f * (cu) * (cu)) - f)
  relax(0, f0, 4.0f / 9, 0);
  relax(1, f1, 1.0f / 9, ux);
  relax(2, f2, 1.0f / 9, uy);
  relax(3, f3, 1.0f / 9, -ux);
  relax(4, f4, 1.0f / 9, -uy);
  relax(5, f5, 1.0f / 36, ux + uy);
  relax(6, f6, 1.0f / 36, uy - ux);
  relax(7, f7, 1.0f / 36, -ux - uy);
  relax(8, f8, 1.0f / 36, ux - uy);
}

// Transforms of 512 complex numbers, a block of 256 each, radix 2 with factors from a table.
__kernel void fft(__global const float2* in, __global float2* out, __global const float2* factors) {
  __local float2 s[512];
  int t = tidX();
  for (int i = t; i < 512; i += 256) s[reversed(i)] = in[ctaX() * 512 + i];
  for (int span = 1; span < 512; span <<= 1) {
    barrier(CLK_LOCAL_MEM_FENCE);
    int k = t & (span - 1), i = 2 * t - k, j = i + span;
    float2 f = factors[k * (256 / span)], a = s[i], b = s[j];
    float re = b.x * f.x - b.y * f.y, im = b.x * f.y + b.y * f.x;
    s[i] = (float2)(a.x + re, a.y + im);
    s[j] = (float2)(a.x - re, a.y - im);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = t; i < 512; i += 256) out[ctaX() * 512 + i] = s[i];
}

// MurmurHash3 (32 bits) of records of 16 words.
__kernel void hash(__global const uint* in, __global uint* out, int n) {
  int i = globalX();
  if (i >= n) return;
  uint h = 0;
  for (int k = 0; k < 16; ++k) {
    uint w = rotate(in[i * 16 + k] * 0xcc9e2d51u, (uint)15) * 0x1b873593u;
    h = rotate(h ^ w, (uint)13) * 5 + 0xe6546b64u;
  }
  h ^= 64;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  out[i] = h ^ h >> 16;
}

// Marks where an eight-letter pattern begins.
__kernel void stringMatch(__global const uchar* text, __global const uchar* pattern, __global uchar* found, int n) {
  int i = globalX();
  if (i + 8 > n) return;
  int k = 0;
  while (k < 8 && text[i + k] == pattern[k]) ++k;
  found[i] = k == 8;
}

// Cheapest way down a grid, 16 rows per launch: blocks of 256 keep 224 columns of result and 16 on each side of margin.
__kernel void pathfinder(__global const int* cost, __global const int* from, __global int* to, int w, int firstRow) {
  __local int row[2][256];
  int t = tidX(), x = ctaX() * 224 + t - 16, now = 0;
  int inside = x >= 0 && x < w;
  row[0][t] = inside ? from[x] : 0x3fffffff;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int r = 0; r < 16; ++r) {
    int best = row[now][t];
    if (t > 0 && row[now][t - 1] < best) best = row[now][t - 1];
    if (t < 255 && row[now][t + 1] < best) best = row[now][t + 1];
    row[1 - now][t] = inside ? best + cost[(firstRow + r) * w + x] : 0x3fffffff;
    now = 1 - now;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (inside && t >= 16 && t < 240) to[x] = row[now][t];
}

// 5 x 5, weights by distance and by difference; the frame of two around the picture is left out.
__kernel void bilateral(__global const float* in, __global float* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x < 2 || y < 2 || x >= w - 2 || y >= h - 2) return;
  float centre = in[y * w + x], sum = 0, weights = 0;
#pragma unroll
  for (int dy = -2; dy <= 2; ++dy)
#pragma unroll
    for (int dx = -2; dx <= 2; ++dx) {
      float v = in[(y + dy) * w + x + dx], d = v - centre, weight = native_exp(-0.125f * (float)(dx * dx + dy * dy) - 8.0f * d * d);
      sum += weight * v;
      weights += weight;
    }
  out[y * w + x] = sum * native_recip(weights);
}

// 3 x 3 gradients of bytes.
__kernel void sobel(__global const uchar* in, __global uchar* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x < 1 || y < 1 || x >= w - 1 || y >= h - 1) return;
  __global const uchar* p = in + y * w + x;
  int gx = p[1 - w] + 2 * p[1] + p[1 + w] - p[-1 - w] - 2 * p[-1] - p[w - 1];
  int gy = p[w - 1] + 2 * p[w] + p[w + 1] - p[-w - 1] - 2 * p[-w] - p[1 - w];
  int g = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
  out[y * w + x] = (uchar)(g > 255 ? 255 : g);
}

// Spheres on a lattice above a plane, marched by distance; steps and depth of each ray.
__kernel void rayMarch(__global float* out, int w, int h) {
  int x = globalX(), y = globalY();
  if (x >= w || y >= h) return;
  float dx = ((float)(x) - 0.5f * (float)(w)) / (float)(h), dy = ((float)(y) - 0.5f * (float)(h)) / (float)(h), scale = native_rsqrt(dx * dx + dy * dy + 1.0f);
  dx *= scale, dy *= scale;
  float depth = 0;
  int step = 0;
  for (; step < 96 && depth < 40.0f; ++step) {
    float px = dx * depth, py = dy * depth + 0.3f, pz = scale * depth;
    float cx = px - 4.0f * floor(px * 0.25f) - 2.0f, cz = pz - 4.0f * floor(pz * 0.25f) - 2.0f;
    float distance = fmin(sqrt(cx * cx + py * py + cz * cz) - 1.0f, 1.5f - py);
    if (distance < 0.001f) break;
    depth += distance;
  }
  out[y * w + x] = depth + (float)(step);
}
