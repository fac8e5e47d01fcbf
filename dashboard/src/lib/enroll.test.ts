import { expect, it } from "vitest";
import { isLoopback } from "./enroll";

it("knows an address that other machines cannot use", () => {
  expect(isLoopback("agent enroll --server http://127.0.0.1:3001 --token-file -")).toBe(true);
  expect(isLoopback("agent enroll --server http://localhost --token-file -")).toBe(true);
  expect(isLoopback("agent enroll --server https://[::1]:3001 --token-file -")).toBe(true);
  expect(isLoopback("agent enroll --server https://rmm.example.com --token-file -")).toBe(false);
  expect(isLoopback("agent enroll --server https://localhost.example.com --token-file -")).toBe(false);
});
