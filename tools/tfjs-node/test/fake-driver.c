/* A driver with one GPU that can do nothing: as much of libcuda and libnvidia-ml as TensorFlow asks before it opens the CUDA
 * libraries. Built twice, as libcuda.so.1 and as libnvidia-ml.so.1. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { COMPUTE_CAPABILITY_MAJOR = 75, COMPUTE_CAPABILITY_MINOR = 76 };

int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *version) { return *version = 12050, 0; }
int cuDeviceGetCount(int *count) { return *count = 1, 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int length, int device) { return snprintf(name, length, "Fake GPU"), 0; }
int cuDeviceGetPCIBusId(char *id, int length, int device) { return snprintf(id, length, "0000:00:00.0"), 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = (size_t)8 << 30, 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == COMPUTE_CAPABILITY_MAJOR ? 8 : attribute == COMPUTE_CAPABILITY_MINOR ? 9 : 1024;
  return 0;
}
int cuGetErrorName(int error, const char **text) { return *text = "a fake error", 0; }
int cuGetErrorString(int error, const char **text) { return *text = "a fake error", 0; }

int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
