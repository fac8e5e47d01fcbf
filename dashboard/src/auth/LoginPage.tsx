import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Navigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, ApiError, body } from "../api/client";
import { authStatus } from "../api/queries";
import { Banner, Failure } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import { useSignedIn } from "./useSignedIn";

function isWrong(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

export function LoginPage() {
  const { next, ended } = useSearch({ from: "/login" });
  const status = useQuery(authStatus);
  const signedIn = useSignedIn(next);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: () => body(api.POST("/api/auth/login", { body: { email: email.trim(), password } })),
    onSuccess: ({ user }) => signedIn(user),
    onError: () => setPassword(""),
  });
  if (status.data?.bootstrap_required) return <Navigate to="/setup-first-account" replace />;
  return (
    <AuthCard title="Log in">
      {ended ? (
        <Banner family="info" title="Your session has ended.">
          <p>Log in again and you are back where you were.</p>
        </Banner>
      ) : null}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          login.mutate();
        }}
      >
        <Stack>
          <TextInput
            label="Email"
            type="email"
            name="email"
            autoComplete="username"
            required
            withAsterisk={false}
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
          />
          {isWrong(login.error) ? (
            <Failure what="Email or password is wrong." />
          ) : login.error ? (
            <Failure error={login.error} what="You are not logged in." placed={[]} />
          ) : null}
          <Button type="submit" size="sm" loading={login.isPending}>
            Log in
          </Button>
        </Stack>
      </form>
    </AuthCard>
  );
}
