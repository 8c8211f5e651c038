using System.Collections.Immutable;
using Livebook.Drill.Matrix.Rows;

namespace Livebook.Drill.Matrix;

/// <summary>The fault matrix: rows that a drill makes happen, and those that other tests show.</summary>
public static class AllRows
{
    public static ImmutableArray<Row> Driven { get; } =
    [
        new Row01Formation(),
        new Row02PartialDns(),
        new Row03Join(),
        new Row04Leave(),
        new Row05OwnerKilled(),
        new Row06WebNodeKilled(),
        new Row07AllKilled(),
        new Row08OwnerFrozen(),
        new Row09RuntimeKilled(),
        new Row10Partition(),
        new Row11PartialCut(),
        new Row12Flapping(),
        new Row13SlowNet(),
        new Row14FlappingDns(),
        new Row15SilentDns(),
        new Row16StaleDns(),
        new Row20RollingRestart(),
        new Row26SocketsCut(),
    ];

    public static ImmutableArray<ElsewhereRow> Elsewhere { get; } =
    [
        new(
            17,
            "answers of a foreign family only; odd spellings of addresses",
            "joins if any family works",
            "by BootstrapTests and ConfigurationTests: it is about reading addresses"
        ),
        new(18, "another cookie, a rotated cookie", "refused, and both sides say why", "by StrangerTests: it needs nodes with different secrets"),
        new(
            19,
            "another LIVEBOOK_SECRET_KEY_BASE on one node",
            "refused, and both sides say why",
            "by the tests of the settings store: it needs nodes with different secrets"
        ),
        new(
            21,
            "two full sets of nodes behind one balancer",
            "every node reaches every session",
            "by AnyNodeTests: with one cluster name the sets are one cluster"
        ),
        new(
            22,
            "clocks an hour apart, clocks that jump",
            "order does not depend on them",
            "by the cluster's tests on a virtual clock: processes of one machine share its clock"
        ),
        new(
            23,
            "a disk that is full or refuses",
            "acknowledged by the standby, or refused visibly",
            "by AloneTests, ReplicationTests and FullDiskTests, whose disks fail on demand"
        ),
        new(24, "one file opened on two nodes", "the second one is told where it is open", "by NotebookFilesTests: a file belongs to one node and one lock"),
        new(25, "a page's requests spread over all nodes", "every answer is the owner's", "by AnyNodeTests: it is about HTTP, not about faults"),
        new(27, "a setting changed on one node and used on another", "≤ 1 s", "by the tests of the settings store"),
        new(28, "apps that crash", "the app answers ≤ 10 s later", "apps do not exist yet"),
        new(29, "log-out, shutdown of one node", "that user, that node only", "by SignInTests; the shutdown is row 4"),
        new(
            30,
            "what ECS tells of a task, or does not",
            "the right name, or one clear line",
            "by the tests of LIVEBOOK_CLUSTER=auto, with a fake of the service"
        ),
        new(
            31,
            "what Kubernetes gives a pod, or does not",
            "the right name, or one clear line",
            "by the tests of LIVEBOOK_CLUSTER=auto, with a fake of the service"
        ),
        new(32, "a hostile peer", "memory bounded, nobody let in", "by StrangerTests of the cluster: it needs broken bytes, not broken nodes"),
        new(33, "random faults for a long time", "nothing grows, nothing diverges", "by livebook drill --faults and --soak"),
    ];
}
