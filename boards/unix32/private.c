// Makes the files of this process its user's alone: the device's private key is among them.
//
// Enters: the start of the process; ports/unix compiles each C file of a variant's folder.
// Leaves: a umask of 077. MicroPython has no call for it, nor for a file's mode.

#include <sys/stat.h>

__attribute__((constructor)) static void private_files(void) {
    umask(S_IRWXG | S_IRWXO);
}
