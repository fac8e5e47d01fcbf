/** Whether a line to enroll with names an address that leads to the machine itself on every machine. */
export function isLoopback(line: string): boolean {
  return /--server https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=[:/\s]|$)/i.test(line);
}
