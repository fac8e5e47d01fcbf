/* Test tooling, never shipped: programs built by Rust import ProcessPrng of bcryptprimitives.dll, which Wine 8 lacks. */
#include <windows.h>
#include <ntsecapi.h>

BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return RtlGenRandom(data, (ULONG)length);
}
