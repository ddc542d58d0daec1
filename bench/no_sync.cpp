// Linked into a program of the benchmark, in front of the C library: a log whose syncs do nothing.
// It says what everything but the disk costs; it keeps no promise.
#include <unistd.h>

int fdatasync(int) {
  return 0;
}

int fsync(int) {
  return 0;
}
