import "pulumi-linuxnet/check-node";
export default await import("./index.ts");
