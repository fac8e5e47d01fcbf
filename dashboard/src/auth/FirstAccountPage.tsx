import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ApiError, body } from "../api/client";
import { authStatus } from "../api/queries";
import { Failure } from "../ui/Notice";
import { AuthCard } from "./AuthCard";
import { useSignedIn } from "./useSignedIn";

/** The very first account of an installation: its owner. Works only while there is no account at all. */
export function FirstAccountPage() {
  const status = useQuery(authStatus);
  const signedIn = useSignedIn(undefined);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const register = useMutation({
    mutationFn: () =>
      body(api.POST("/api/auth/register", { body: { name: name.trim(), email: email.trim(), password } })),
    onSuccess: ({ user }) => signedIn(user),
  });
  const fields = register.error instanceof ApiError ? register.error.fields : {};
  const unplaced = register.error && Object.keys(fields).length === 0;
  if (status.data && !status.data.bootstrap_required && !register.isSuccess) return <Navigate to="/login" replace />;
  return (
    <AuthCard
      title="Make the first account"
      lead="This installation has no account yet. This one owns it: it can do everything, and make the others."
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          register.mutate();
        }}
      >
        <Stack>
          <TextInput
            label="Your name"
            name="name"
            autoComplete="name"
            required
            withAsterisk={false}
            autoFocus
            value={name}
            error={fields.name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label="Email"
            type="email"
            name="email"
            autoComplete="username"
            required
            withAsterisk={false}
            value={email}
            error={fields.email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            description="At least 12 characters. A sentence is easier to remember than a riddle."
            name="password"
            autoComplete="new-password"
            required
            withAsterisk={false}
            value={password}
            error={fields.password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": "Show the password" }}
          />
          {unplaced ? <Failure error={register.error} what="The account was not made." placed={["name", "email", "password"]} /> : null}
          <Button type="submit" size="sm" loading={register.isPending}>
            Make the account
          </Button>
        </Stack>
      </form>
    </AuthCard>
  );
}
