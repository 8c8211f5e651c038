Console.Error.WriteLine("livebook runtime");
