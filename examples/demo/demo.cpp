// Draws a picture with a CUDA kernel and says how long it took; the picture becomes a PNG in the current folder.
// A plain driver-API program: it runs on anywarp and on a GPU's driver alike. SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <array>
#include <vector>

#include "examples/common/driver.h"
#include "scene_ptx.h"

namespace {

struct Options {
  int width = 1920, height = 1080, samples = 2;
  float angle = 0.55f;
  std::string file = "anywarp-demo.png";
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--size" && i + 2 < argc) {
      o.width = std::atoi(argv[++i]);
      o.height = std::atoi(argv[++i]);
    } else if (a == "--samples" && i + 1 < argc) {
      o.samples = std::atoi(argv[++i]);
    } else if (a == "--angle" && i + 1 < argc) {
      o.angle = float(std::atof(argv[++i]));
    } else if (a == "--out" && i + 1 < argc) {
      o.file = argv[++i];
    } else {
      std::printf("demo [--size WIDTH HEIGHT] [--samples N] [--angle RADIANS] [--out FILE.png]\n");
      std::exit(a == "--help" ? 0 : 2);
    }
  }
  if (o.width < 1 || o.height < 1 || o.samples < 1 || o.width > 16384 || o.height > 16384 || o.samples > 16) {
    std::fprintf(stderr, "error: sizes are 1 to 16384, samples 1 to 16\n");
    std::exit(2);
  }
  return o;
}

// One launch, timed by events, in milliseconds.
float render(CUfunction kernel, Buffer<uint32_t>& pixels, Options o) {
  CUevent start, stop;
  CU(cuEventCreate(&start, 0));
  CU(cuEventCreate(&stop, 0));
  void* arguments[] = {pixels.argument(), &o.width, &o.height, &o.samples, &o.angle};
  CU(cuEventRecord(start, nullptr));
  CU(cuLaunchKernel(kernel, (o.width + 31) / 32, (o.height + 7) / 8, 1, 32, 8, 1, 0, nullptr, arguments, nullptr));
  CU(cuEventRecord(stop, nullptr));
  CU(cuEventSynchronize(stop));
  float milliseconds = 0;
  CU(cuEventElapsedTime(&milliseconds, start, stop));
  CU(cuEventDestroy(start));
  CU(cuEventDestroy(stop));
  return milliseconds;
}

bool writePng(const Options& o, const std::vector<uint32_t>& pixels) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = png_uint_32(o.width);
  image.height = png_uint_32(o.height);
  image.format = PNG_FORMAT_RGBA;
  return png_image_write_to_file(&image, o.file.c_str(), 0, pixels.data(), 0, nullptr) != 0;
}

// What any right picture of this scene shows: every pixel written, a sky that is bluer above, a warm set in the middle.
const char* findFault(const Options& o, const std::vector<uint32_t>& pixels) {
  auto mean = [&](double x0, double x1, double y0, double y1) {
    std::array<double, 3> sum = {};
    double n = 0;
    for (int y = int(y0 * o.height); y < int(y1 * o.height); ++y) {
      for (int x = int(x0 * o.width); x < int(x1 * o.width); ++x, ++n) {
        for (int c = 0; c < 3; ++c) sum[c] += (pixels[size_t(y) * o.width + x] >> (8 * c)) & 255;
      }
    }
    for (double& s : sum) s /= n;
    return sum;
  };
  for (uint32_t p : pixels) {
    if (p >> 24 != 255) return "a pixel was not written";
  }
  auto sky = mean(0, 0.1, 0, 0.1), horizon = mean(0, 0.1, 0.3, 0.4), set = mean(0.45, 0.55, 0.4, 0.6);
  if (sky[2] - sky[0] < horizon[2] - horizon[0] + 3) return "the sky is not bluer above than at the horizon";
  if (horizon[0] < 150) return "the horizon is not bright";
  if (std::abs(set[0] - sky[0]) + std::abs(set[1] - sky[1]) + std::abs(set[2] - sky[2]) < 30) return "nothing stands in the middle";
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  Options o = parse(argc, argv);
  CU(cuInit(0));
  CUdevice device;
  CU(cuDeviceGet(&device, 0));
  char name[128];
  CU(cuDeviceGetName(name, sizeof name, device));
  CUcontext context;
  CU(cuDevicePrimaryCtxRetain(&context, device));
  CU(cuCtxSetCurrent(context));
  CUmodule module;
  CU(cuModuleLoadData(&module, scenePtx));
  CUfunction kernel;
  CU(cuModuleGetFunction(&kernel, module, "renderScene"));

  std::vector<uint32_t> pixels(size_t(o.width) * o.height);
  Buffer<uint32_t> image(pixels.size());
  CU(cuMemsetD8(image.address(), 0, pixels.size() * 4));
  float first = render(kernel, image, o);
  float second = render(kernel, image, o);
  image.download(pixels.data());

  std::printf("device:       %s\n", name);
  std::printf("kernel:       %d x %d pixels, %d rays each, one thread per pixel\n", o.width, o.height, o.samples * o.samples);
  std::printf("first launch: %.1f ms (compilation included, unless the cache has it)\n", first);
  std::printf("kernel time:  %.1f ms (second launch)\n", second);
  if (!writePng(o, pixels)) {
    std::fprintf(stderr, "error: cannot write %s\n", o.file.c_str());
    return 1;
  }
  char* path = realpath(o.file.c_str(), nullptr);
  std::printf("picture:      %s\n", path ? path : o.file.c_str());
  std::free(path);
  if (const char* fault = findFault(o, pixels)) {
    std::fprintf(stderr, "error: the picture is wrong: %s\n", fault);
    return 1;
  }
  CU(cuModuleUnload(module));
  return 0;
}
