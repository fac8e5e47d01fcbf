import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, body } from "../api/client";
import { authStatus } from "../api/queries";
import type { NewOwner } from "../api/types";
import type { Schema } from "../lib/schema";
import { SchemaForm } from "../ui/SchemaForm";
import { AuthCard } from "./AuthCard";
import { useSignedIn } from "./useSignedIn";

const SCHEMA: Schema<NewOwner> = {
  name: { kind: "text", label: "Your name", required: true, autoComplete: "name" },
  email: { kind: "text", label: "Email", required: true, type: "email", autoComplete: "username" },
  password: {
    kind: "secret",
    label: "Password",
    help: "At least 12 characters. A short sentence is easy to remember.",
    required: true,
    shortest: 12,
    autoComplete: "new-password",
  },
};

/** The very first account of an installation: its owner. Works only while there is no account at all. */
export function FirstAccountPage() {
  const status = useQuery(authStatus);
  const signedIn = useSignedIn(undefined);
  const [isMade, setMade] = useState(false);
  if (status.data && !status.data.bootstrap_required && !isMade) return <Navigate to="/login" replace />;
  return (
    <AuthCard
      title="Create the first account"
      lead="This installation has no account yet. This one owns it: it may do everything, and create the others."
    >
      <SchemaForm
        schema={SCHEMA}
        initial={{ name: "", email: "", password: "" }}
        save={(account) => body(api.POST("/api/auth/register", { body: account }))}
        onDone={({ user }) => {
          setMade(true);
          signedIn(user);
        }}
        action="Create the account"
        failure="The account was not created."
        size="sm"
      />
    </AuthCard>
  );
}
