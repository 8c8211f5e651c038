import { request, send } from "../http";

export interface Settings {
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  /** Those of the source `environment` come from the server's start and cannot be changed. */
  readonly secrets: readonly { readonly name: string; readonly source: "workspace" | "environment" }[];
  readonly apiKeys: readonly ApiKey[];
  /** Why nothing can be changed now; null when it can. */
  readonly readOnly: string | null;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

export const fetchSettings = (): Promise<Settings> => request("GET", "ui/settings");

export const revealSecret = async (name: string): Promise<string> => (await request<{ value: string }>("GET", `ui/settings/secrets/${name}`)).value;
export const setSecret = (name: string, value: string): Promise<void> => send("PUT", `ui/settings/secrets/${encodeURIComponent(name)}`, { value });
export const deleteSecret = (name: string): Promise<void> => request("DELETE", `ui/settings/secrets/${name}`);

export const setVariable = (name: string, value: string): Promise<void> => send("PUT", `ui/settings/environment/${encodeURIComponent(name)}`, { value });
export const deleteVariable = (name: string): Promise<void> => request("DELETE", `ui/settings/environment/${name}`);

export const makeApiKey = (name: string): Promise<ApiKey & { key: string }> => send("POST", "ui/settings/api-keys", { name });
export const deleteApiKey = (id: string): Promise<void> => request("DELETE", `ui/settings/api-keys/${id}`);

export const revealSessionSecret = async (session: string, name: string): Promise<string> =>
  (await request<{ value: string }>("GET", `ui/sessions/${session}/secrets/${name}`)).value;
export const setSessionSecret = (session: string, name: string, value: string): Promise<void> =>
  send("PUT", `ui/sessions/${session}/secrets/${encodeURIComponent(name)}`, { value });
