import { api, body } from "../api/client";
import { queryClient } from "../api/queries";
import type { Organization, Site } from "../api/types";

/** Names stand in lists, trees and agents: all of them are read again after a change. */
function changed() {
  for (const key of ["organizations", "sites", "agents", "enrollment-tokens"]) {
    void queryClient.invalidateQueries({ queryKey: [key] });
  }
}

async function then<T>(change: Promise<T>): Promise<T> {
  const result = await change;
  changed();
  return result;
}

export function createOrganization(name: string): Promise<Organization> {
  return then(body(api.POST("/api/organizations", { body: { name } })));
}

export function renameOrganization(id: string, name: string): Promise<Organization> {
  return then(body(api.PATCH("/api/organizations/{id}", { params: { path: { id } }, body: { name } })));
}

export function deleteOrganization(id: string): Promise<unknown> {
  return then(body(api.DELETE("/api/organizations/{id}", { params: { path: { id } } })));
}

export function createSite(organizationId: string, name: string): Promise<Site> {
  const path = { id: organizationId };
  return then(body(api.POST("/api/organizations/{id}/sites", { params: { path }, body: { name } })));
}

export function renameSite(id: string, name: string): Promise<Site> {
  return then(body(api.PATCH("/api/sites/{id}", { params: { path: { id } }, body: { name } })));
}

export function deleteSite(id: string): Promise<unknown> {
  return then(body(api.DELETE("/api/sites/{id}", { params: { path: { id } } })));
}
