/**
 * The content security policy that the dashboard is built for: no inline script, no `<style>` element made at run
 * time, nothing from elsewhere. The server sends the same text; `vite preview` sends this one.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");
