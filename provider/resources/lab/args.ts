import type { ImpairmentArgs } from "../vethEnd.ts";
import type { LabContainer, LabExpect, LabNetwork, LabPublish } from "./shape.ts";

/** A network of a {@link Lab}: a Network's arguments, as plain data. */
export interface LabNetworkArgs extends Omit<LabNetwork, "gateways" | "bridgeName"> {
  /** The bridge's name; default: derived from the lab's and the network's. */
  bridgeName?: string;
}

/** A container of a {@link Lab}: a Container's arguments, as plain data, with networks and containers by name. */
export interface LabContainerArgs
  extends Omit<LabContainer, "publish" | "impairment" | "ready" | "joins" | "addresses" | "gateway"> {
  /** Published ports, in Docker's notation (`"8080:80"`, `"127.0.0.1:8080:80/udp"`) or as inputs of a PortPublish. */
  publish?: LabPublish[];
  /** What is done to the packets that leave the container. */
  impairment?: ImpairmentArgs;
  /** What to wait for before the program counts as started. */
  ready?: { tcp?: number; udp?: number; log?: string; timeout?: string };
}

/** Something that must hold in a {@link Lab}: an Expect's arguments, with containers by name. */
export type LabExpectArgs = LabExpect;

/** A network of a lab, as it stands. */
export interface LabNetworkState extends LabNetworkArgs {
  /** The subnets, one per family; none without a bridge. */
  subnets?: string[];
  /** The gateways' addresses, one per subnet. */
  gateways?: string[];
}

/** A container of a lab, as it stands. */
export interface LabContainerState extends LabContainerArgs {
  /** The namespace's name; "" with the host driver. */
  netns: string;
  /** The addresses with their prefixes, those of the first network first. */
  addresses: string[];
  /** The gateway of the first network; "" where there is none. */
  gateway: string;
}
