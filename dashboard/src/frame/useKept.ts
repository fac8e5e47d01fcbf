import { useLocalStorage } from "@mantine/hooks";

/** A choice of how the frame looks, kept on this computer. */
export function useKept(name: string, byDefault: boolean) {
  return useLocalStorage({ key: `gururmm-${name}`, defaultValue: byDefault, getInitialValueInEffect: false });
}
